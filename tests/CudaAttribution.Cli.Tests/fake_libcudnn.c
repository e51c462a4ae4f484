// cuDNN for tests: the functions the engine calls, with cuDNN's rules for descriptors, algorithms, workspaces and order (see fake_vendor.h).
// Environment: FAKE_CUDNN_VERSION (9.1.0), FAKE_CUDNN_WORKSPACE=n (every pass needs n bytes), FAKE_CUDNN_WITHOUT_PRECOMP=1 (that forward algorithm is
// not supported), FAKE_CUDNN_REFUSE=p / FAKE_CUDNN_REFUSE_LATE=p (no algorithm of pass p is supported, told when its workspace is asked for / only
// when it is to run; p: 0 forward, 1 data, 2 filter, 3 all), FAKE_CUDNN_WRONG=1 (kernels are applied mirrored). Built with -DWITHOUT_BACKWARD_FILTER it lacks cudnnConvolutionBackwardFilter.
#define LIBRARY "fake cuDNN"
#include "fake_vendor.h"

enum { SUCCESS = 0, NOT_INITIALIZED = 1001, BAD_PARAM = 2000, NULL_POINTER = 2002, SIZE_INSUFFICIENT = 2006, NOT_SUPPORTED = 3000,
       INTERNAL_ERROR = 4000, DEVICE_ALLOCATION_FAILED = 4004, EXECUTION_FAILED = 5000 };
enum { NCHW = 0, NHWC = 1 };                                           // cudnnTensorFormat_t
enum { FLOAT = 0 };                                                    // cudnnDataType_t
enum { CONVOLUTION = 0, CROSS_CORRELATION = 1 };                       // cudnnConvolutionMode_t
enum { DEFAULT_MATH = 0, FMA_MATH = 3 };                               // cudnnMathType_t
enum { FWD_IMPLICIT_GEMM = 0, FWD_IMPLICIT_PRECOMP_GEMM = 1, BWD_ALGO_0 = 0, BWD_ALGO_1 = 1 };
enum { HANDLE = 0xd0, TENSOR = 0xd1, FILTER = 0xd2, CONV = 0xd3 };
typedef int R;
typedef struct { int kind; void *stream; } Handle;
typedef struct { int kind, set, format, n, c, h, w; } Tensor; // of a filter: output channels, input channels, kernel height and width
typedef struct { int kind, set, pad_h, pad_w, u, v, dilation_h, dilation_w, mode, math; } Conv;
typedef enum { FORWARD, BACKWARD_DATA, BACKWARD_FILTER } Pass;

static char message[256];
static R say(R status, const char *text) { snprintf(message, sizeof message, "%s", text); return status; }

#define BEGIN(name) do { if (failure(name)) return say(failure(name), "as FAKE_FAIL asked"); } while (0)
#define NEED_HANDLE() do { if (!h || h->kind != HANDLE || !has_context()) return say(NOT_INITIALIZED, "no handle or no context"); } while (0)

R cudnnGetProperty(int which, int *value) { return value && property("FAKE_CUDNN_VERSION", "9.1.0", which, value) ? SUCCESS : BAD_PARAM; }
const char *cudnnGetErrorString(R status) {
    switch (status) {
    case SUCCESS: return "CUDNN_STATUS_SUCCESS";
    case NOT_INITIALIZED: return "CUDNN_STATUS_NOT_INITIALIZED";
    case BAD_PARAM: return "CUDNN_STATUS_BAD_PARAM";
    case NULL_POINTER: return "CUDNN_STATUS_BAD_PARAM_NULL_POINTER";
    case SIZE_INSUFFICIENT: return "CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT";
    case NOT_SUPPORTED: return "CUDNN_STATUS_NOT_SUPPORTED";
    case INTERNAL_ERROR: return "CUDNN_STATUS_INTERNAL_ERROR";
    case DEVICE_ALLOCATION_FAILED: return "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED";
    case EXECUTION_FAILED: return "CUDNN_STATUS_EXECUTION_FAILED";
    default: return "CUDNN_UNKNOWN_STATUS";
    }
}
void cudnnGetLastErrorString(char *text, size_t size) { snprintf(text, size, "%s", message); message[0] = 0; }

static void *create(size_t bytes, int kind) {
    int *object = calloc(1, bytes);
    *object = kind;
    live_objects++;
    return object;
}
static R destroy(int *object, int kind) {
    if (!object || *object != kind) return say(BAD_PARAM, "not a descriptor of this kind");
    free(object);
    live_objects--;
    return SUCCESS;
}

R cudnnCreate(Handle **h) {
    BEGIN("cudnnCreate");
    if (!has_context()) return NOT_INITIALIZED;
    *h = create(sizeof **h, HANDLE);
    return SUCCESS;
}
R cudnnDestroy(Handle *h) { NEED_HANDLE(); return destroy(&h->kind, HANDLE); }
R cudnnSetStream(Handle *h, void *stream) { BEGIN("cudnnSetStream"); NEED_HANDLE(); h->stream = stream; return SUCCESS; }

R cudnnCreateTensorDescriptor(Tensor **t) { BEGIN("cudnnCreateTensorDescriptor"); *t = create(sizeof **t, TENSOR); return SUCCESS; }
R cudnnDestroyTensorDescriptor(Tensor *t) { return destroy(&t->kind, TENSOR); }
R cudnnCreateFilterDescriptor(Tensor **f) { BEGIN("cudnnCreateFilterDescriptor"); *f = create(sizeof **f, FILTER); return SUCCESS; }
R cudnnDestroyFilterDescriptor(Tensor *f) { return destroy(&f->kind, FILTER); }
R cudnnCreateConvolutionDescriptor(Conv **c) { BEGIN("cudnnCreateConvolutionDescriptor"); *c = create(sizeof **c, CONV); return SUCCESS; }
R cudnnDestroyConvolutionDescriptor(Conv *c) { return destroy(&c->kind, CONV); }

static R set(Tensor *t, int kind, int format, int type, int n, int c, int h, int w) {
    if (!t || t->kind != kind || n < 1 || c < 1 || h < 1 || w < 1 || format < NCHW || format > NHWC || type < 0) return say(BAD_PARAM, "descriptor");
    if (type != FLOAT) return say(NOT_SUPPORTED, "element type");
    *t = (Tensor){kind, 1, format, n, c, h, w};
    return SUCCESS;
}
R cudnnSetTensor4dDescriptor(Tensor *t, int format, int type, int n, int c, int h, int w) {
    BEGIN("cudnnSetTensor4dDescriptor");
    return set(t, TENSOR, format, type, n, c, h, w);
}
R cudnnSetFilter4dDescriptor(Tensor *f, int type, int format, int k, int c, int h, int w) {
    BEGIN("cudnnSetFilter4dDescriptor");
    return set(f, FILTER, format, type, k, c, h, w);
}
R cudnnSetConvolution2dDescriptor(Conv *c, int pad_h, int pad_w, int u, int v, int dilation_h, int dilation_w, int mode, int type) {
    BEGIN("cudnnSetConvolution2dDescriptor");
    if (!c || c->kind != CONV || pad_h < 0 || pad_w < 0 || u < 1 || v < 1 || dilation_h < 1 || dilation_w < 1 || mode < CONVOLUTION
        || mode > CROSS_CORRELATION) return say(BAD_PARAM, "convolution descriptor");
    if (type != FLOAT) return say(NOT_SUPPORTED, "compute type");
    *c = (Conv){CONV, 1, pad_h, pad_w, u, v, dilation_h, dilation_w, mode, DEFAULT_MATH};
    return SUCCESS;
}
R cudnnSetConvolutionMathType(Conv *c, int math) {
    BEGIN("cudnnSetConvolutionMathType");
    if (!c || c->kind != CONV || !c->set || math < DEFAULT_MATH || math > FMA_MATH) return say(BAD_PARAM, "math type");
    c->math = math;
    return SUCCESS;
}

static int extent(int in, int pad, int dilation, int kernel, int stride) { return (in + 2 * pad - (dilation * (kernel - 1) + 1)) / stride + 1; }

static int refused(const char *variable, Pass pass) {
    const int which = atoi(setting(variable, "-1"));
    return which == 3 || which == (int)pass;
}

static R check(const Handle *h, const Tensor *x, const Tensor *w, const Tensor *y, const Conv *c, Pass pass, int algorithm, size_t *bytes) {
    NEED_HANDLE();
    if (!x || !w || !y || !c) return say(NULL_POINTER, "a descriptor is NULL");
    if (x->kind != TENSOR || y->kind != TENSOR || w->kind != FILTER || c->kind != CONV || !x->set || !y->set || !w->set || !c->set)
        return say(BAD_PARAM, "a descriptor is of the wrong kind or was not set");
    if (y->n != x->n || w->c != x->c || y->c != w->n || y->h != extent(x->h, c->pad_h, c->dilation_h, w->h, c->u)
        || y->w != extent(x->w, c->pad_w, c->dilation_w, w->w, c->v)) return say(BAD_PARAM, "the shapes do not fit together");
    if (x->format != w->format || y->format != w->format) return say(NOT_SUPPORTED, "layouts of arrays and weights differ");
    const int precomp = pass == FORWARD && algorithm == FWD_IMPLICIT_PRECOMP_GEMM;
    if (algorithm < 0 || algorithm > 1 || (precomp && atoi(setting("FAKE_CUDNN_WITHOUT_PRECOMP", "0")))) return say(NOT_SUPPORTED, "algorithm");
    if (refused("FAKE_CUDNN_REFUSE", pass)) return say(NOT_SUPPORTED, "this layout");
    *bytes = pass == FORWARD && !precomp ? 0 : sizeof(float) * (size_t)(w->n * w->c * w->h * w->w) + 64 * (size_t)(1 + pass);
    if (*bytes) *bytes = strtoull(setting("FAKE_CUDNN_WORKSPACE", "0"), NULL, 10) ?: *bytes;
    return SUCCESS;
}

R cudnnGetConvolutionForwardWorkspaceSize(Handle *h, Tensor *x, Tensor *w, Conv *c, Tensor *y, int algorithm, size_t *bytes) {
    BEGIN("cudnnGetConvolutionForwardWorkspaceSize");
    return check(h, x, w, y, c, FORWARD, algorithm, bytes);
}
R cudnnGetConvolutionBackwardDataWorkspaceSize(Handle *h, Tensor *w, Tensor *dy, Conv *c, Tensor *dx, int algorithm, size_t *bytes) {
    BEGIN("cudnnGetConvolutionBackwardDataWorkspaceSize");
    return check(h, dx, w, dy, c, BACKWARD_DATA, algorithm, bytes);
}
R cudnnGetConvolutionBackwardFilterWorkspaceSize(Handle *h, Tensor *x, Tensor *dy, Conv *c, Tensor *dw, int algorithm, size_t *bytes) {
    BEGIN("cudnnGetConvolutionBackwardFilterWorkspaceSize");
    return check(h, x, dw, dy, c, BACKWARD_FILTER, algorithm, bytes);
}

static size_t count(const Tensor *t) { return (size_t)t->n * (size_t)t->c * (size_t)t->h * (size_t)t->w; }
static size_t at(const Tensor *t, int n, int c, int h, int w) {
    const int index = t->format == NHWC ? ((n * t->h + h) * t->w + w) * t->c + c : ((n * t->c + c) * t->h + h) * t->w + w;
    return (size_t)index;
}

static R run(Handle *h, const float *alpha, const Tensor *xd, float *x, const Tensor *wd, float *w, const Conv *c, Pass pass, int algorithm,
             void *workspace, size_t bytes, const float *beta, const Tensor *yd, float *y) {
    size_t needed;
    const R status = check(h, xd, wd, yd, c, pass, algorithm, &needed);
    if (status) return status;
    if (refused("FAKE_CUDNN_REFUSE_LATE", pass)) return say(NOT_SUPPORTED, "this layout, which shows only now");
    if (!alpha || !beta) return say(NULL_POINTER, "alpha or beta is NULL");
    if (bytes < needed) return say(SIZE_INSUFFICIENT, "the workspace is too small");
    if (!on_device(x, 4 * count(xd)) || !on_device(w, 4 * count(wd)) || !on_device(y, 4 * count(yd)) || (bytes && !on_device(workspace, bytes)))
        return say(EXECUTION_FAILED, "an array is not device memory");
    if (!settle(h->stream)) return say(EXECUTION_FAILED, "the stream");
    if (bytes) memset(workspace, 0xee, bytes);

    const Tensor *to = pass == FORWARD ? yd : pass == BACKWARD_DATA ? xd : wd;
    float *out = pass == FORWARD ? y : pass == BACKWARD_DATA ? x : w;
    const int exact = c->math == FMA_MATH, mirrored = (c->mode == CONVOLUTION) != (atoi(setting("FAKE_CUDNN_WRONG", "0")) != 0);
    double *sum = calloc(count(to), sizeof(double));
    for (int n = 0; n < yd->n; n++)
    for (int oh = 0; oh < yd->h; oh++)
    for (int ow = 0; ow < yd->w; ow++)
    for (int r = 0; r < wd->h; r++)
    for (int s = 0; s < wd->w; s++) {
        const int ih = oh * c->u - c->pad_h + r * c->dilation_h, iw = ow * c->v - c->pad_w + s * c->dilation_w;
        if (ih < 0 || ih >= xd->h || iw < 0 || iw >= xd->w) continue;
        const int wr = mirrored ? wd->h - 1 - r : r, ws = mirrored ? wd->w - 1 - s : s;
        for (int o = 0; o < wd->n; o++)
        for (int i = 0; i < wd->c; i++) {
            const size_t ax = at(xd, n, i, ih, iw), aw = at(wd, o, i, wr, ws), ay = at(yd, n, o, oh, ow);
            if (pass == FORWARD) sum[ay] += operand(x[ax], exact) * operand(w[aw], exact);
            if (pass == BACKWARD_DATA) sum[ax] += operand(y[ay], exact) * operand(w[aw], exact);
            if (pass == BACKWARD_FILTER) sum[aw] += operand(x[ax], exact) * operand(y[ay], exact);
        }
    }
    // The backward algorithms number 0 add by atomics: their bits differ from call to call.
    static unsigned calls[3];
    const double shake = pass != FORWARD && algorithm == BWD_ALGO_0 ? 1 + 2e-7 * (calls[pass]++ % 2) : 1;
    for (size_t i = 0; i < count(to); i++) out[i] = (float)(*alpha * sum[i] * shake + (*beta != 0 ? *beta * (double)out[i] : 0));
    free(sum);
    return SUCCESS;
}

R cudnnConvolutionForward(Handle *h, const float *alpha, Tensor *xd, float *x, Tensor *wd, float *w, Conv *c, int algorithm, void *workspace,
                          size_t bytes, const float *beta, Tensor *yd, float *y) {
    BEGIN("cudnnConvolutionForward");
    return run(h, alpha, xd, x, wd, w, c, FORWARD, algorithm, workspace, bytes, beta, yd, y);
}
R cudnnConvolutionBackwardData(Handle *h, const float *alpha, Tensor *wd, float *w, Tensor *yd, float *y, Conv *c, int algorithm, void *workspace,
                               size_t bytes, const float *beta, Tensor *xd, float *x) {
    BEGIN("cudnnConvolutionBackwardData");
    return run(h, alpha, xd, x, wd, w, c, BACKWARD_DATA, algorithm, workspace, bytes, beta, yd, y);
}
#ifndef WITHOUT_BACKWARD_FILTER
R cudnnConvolutionBackwardFilter(Handle *h, const float *alpha, Tensor *xd, float *x, Tensor *yd, float *y, Conv *c, int algorithm, void *workspace,
                                 size_t bytes, const float *beta, Tensor *wd, float *w) {
    BEGIN("cudnnConvolutionBackwardFilter");
    return run(h, alpha, xd, x, wd, w, c, BACKWARD_FILTER, algorithm, workspace, bytes, beta, yd, y);
}
#endif
