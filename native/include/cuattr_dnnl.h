// Matrix products and convolutions by oneDNN behind one small C interface (libcuattr_dnnl.so). F32, host memory, row-major, dense.
//
// Every function that can fail returns 0 or a status (the numbers are CUresult's); the sentence for the last failure on the calling thread is
// cuattr_dnnl_last_error(). No exception crosses this border. Calls are synchronous; primitives are cached by shape for the life of the
// process; the cache is locked, so one product runs at a time.
#ifndef CUATTR_DNNL_H
#define CUATTR_DNNL_H

#ifdef __cplusplus
extern "C" {
#endif

#define CUATTR_DNNL_ABI 2
#define CUATTR_DNNL_API __attribute__((visibility("default")))

enum cuattr_dnnl_direction { CUATTR_DNNL_FORWARD = 0, CUATTR_DNNL_BACKWARD_DATA = 1, CUATTR_DNNL_BACKWARD_WEIGHTS = 2 };

typedef struct cuattr_dnnl_conv2d {
    int n, h, w, c;   // input [n,h,w,c]
    int o, kernel;    // weights [o,kernel,kernel,c]
    int stride;
    int pad_begin;    // above and left
    int pad_end;      // below and right
} cuattr_dnnl_conv2d;

CUATTR_DNNL_API int cuattr_dnnl_abi_version(void);
CUATTR_DNNL_API const char *cuattr_dnnl_last_error(void);

// Version and instruction set, for example "2.6.3 avx512_core"; cut to n bytes with the terminating zero.
CUATTR_DNNL_API int cuattr_dnnl_describe(char *buffer, int n);

// Threads that products and convolutions run on from now on, 1 .. 4096; at first as many as oneDNN's OpenMP runtime chooses. They are that runtime's:
// between products they spin as long as its OMP_WAIT_POLICY says.
CUATTR_DNNL_API int cuattr_dnnl_set_threads(int n);

// How many threads a product of the calling thread runs on now (a count, not a status).
CUATTR_DNNL_API int cuattr_dnnl_threads(void);

// forward: y = conv(x, w) + bias (bias may be null). backward data: x = conv^T(y, w). backward weights: w = correlation of x with y.
CUATTR_DNNL_API int cuattr_dnnl_convolve(const cuattr_dnnl_conv2d *shape, int direction, float *x, float *w, const float *bias, float *y);

// c[m,n] = op(a) op(b) + beta c, op being transposition where the flag is set; with bias (may be null) c[m,n] = op(a) op(b) + bias[n].
CUATTR_DNNL_API int cuattr_dnnl_product(int transpose_a, int transpose_b, int m, int n, int k, const float *a, const float *b, const float *bias,
                                        float beta, float *c);

#ifdef __cplusplus
}
#endif
#endif
