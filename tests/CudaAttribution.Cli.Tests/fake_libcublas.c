// cuBLAS for tests: the functions the engine calls, with cuBLAS's rules for arguments, statuses and order (see fake_vendor.h).
// Environment: FAKE_CUBLAS_VERSION (12.4.5), FAKE_CUBLAS_WRONG=1 (products are written transposed). Built with -DWITHOUT_MATH_MODE it lacks
// cublasSetMathMode.
#define LIBRARY "fake cuBLAS"
#include "fake_vendor.h"

enum { SUCCESS = 0, NOT_INITIALIZED = 1, ALLOC_FAILED = 3, INVALID_VALUE = 7, MAPPING_ERROR = 11, EXECUTION_FAILED = 13, INTERNAL_ERROR = 14,
       NOT_SUPPORTED = 15 };
enum { OP_N = 0, OP_T = 1, OP_C = 2 };
enum { DEFAULT_MATH = 0, TENSOR_OP_MATH = 1, PEDANTIC_MATH = 2, TF32_TENSOR_OP_MATH = 3 };
enum { ALIVE = 0x5b1a5 };
typedef struct { int alive, math; void *stream; } Handle;
typedef int R;

#define BEGIN(name) do { if (failure(name)) return failure(name); if (!h || h->alive != ALIVE || !has_context()) return NOT_INITIALIZED; } while (0)

R cublasGetProperty(int which, int *value) {
    return value && property("FAKE_CUBLAS_VERSION", "12.4.5", which, value) ? SUCCESS : INVALID_VALUE;
}
const char *cublasGetStatusName(R status) {
    switch (status) {
    case SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
    case ALLOC_FAILED: return "CUBLAS_STATUS_ALLOC_FAILED";
    case INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
    case INTERNAL_ERROR: return "CUBLAS_STATUS_INTERNAL_ERROR";
    default: return "unknown status";
    }
}
const char *cublasGetStatusString(R status) { return status == ALLOC_FAILED ? "the resource allocation failed" : "sentence of the library"; }

R cublasCreate_v2(Handle **h) {
    if (failure("cublasCreate_v2")) return failure("cublasCreate_v2");
    if (!h) return INVALID_VALUE;
    if (!has_context()) return NOT_INITIALIZED;
    *h = calloc(1, sizeof(Handle));
    (*h)->alive = ALIVE;
    live_objects++;
    return SUCCESS;
}
R cublasDestroy_v2(Handle *h) {
    BEGIN("cublasDestroy_v2");
    free(h);
    live_objects--;
    return SUCCESS;
}
R cublasSetStream_v2(Handle *h, void *stream) { BEGIN("cublasSetStream_v2"); h->stream = stream; return SUCCESS; }
#ifndef WITHOUT_MATH_MODE
R cublasSetMathMode(Handle *h, int mode) {
    BEGIN("cublasSetMathMode");
    if (mode < DEFAULT_MATH || mode > TF32_TENSOR_OP_MATH) return INVALID_VALUE;
    h->math = mode;
    return SUCCESS;
}
#endif

static int max(int a, int b) { return a > b ? a : b; }
static size_t span(int rows, int columns, int ld) { return columns ? sizeof(float) * ((size_t)(columns - 1) * (size_t)ld + (size_t)rows) : 0; }

R cublasSgemm_v2(Handle *h, int ta, int tb, int m, int n, int k, const float *alpha, const float *a, int lda, const float *b, int ldb,
                 const float *beta, float *c, int ldc) {
    BEGIN("cublasSgemm_v2");
    if (ta < OP_N || ta > OP_C || tb < OP_N || tb > OP_C || m < 0 || n < 0 || k < 0 || !alpha || !beta) return INVALID_VALUE;
    const int a_rows = ta ? k : m, a_columns = ta ? m : k, b_rows = tb ? n : k, b_columns = tb ? k : n;
    if (lda < max(1, a_rows) || ldb < max(1, b_rows) || ldc < max(1, m)) return INVALID_VALUE;
    if (!m || !n) return SUCCESS;
    if (!on_device(a, span(a_rows, a_columns, lda)) || !on_device(b, span(b_rows, b_columns, ldb)) || !on_device(c, span(m, n, ldc))
        || !settle(h->stream)) return EXECUTION_FAILED;
    const int exact = h->math == PEDANTIC_MATH, wrong = atoi(setting("FAKE_CUBLAS_WRONG", "0"));
    for (int j = 0; j < n; j++)
        for (int i = 0; i < m; i++) {
            double sum = 0;
            for (int l = 0; l < k; l++)
                sum += operand(ta ? a[(size_t)i * (size_t)lda + (size_t)l] : a[(size_t)l * (size_t)lda + (size_t)i], exact)
                     * operand(tb ? b[(size_t)l * (size_t)ldb + (size_t)j] : b[(size_t)j * (size_t)ldb + (size_t)l], exact);
            float *to = c + (wrong ? (size_t)i * (size_t)n + (size_t)j : (size_t)j * (size_t)ldc + (size_t)i);
            *to = (float)(*alpha * sum + (*beta != 0 ? *beta * (double)*to : 0));
        }
    return SUCCESS;
}
