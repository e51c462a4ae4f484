// Discrete Fourier transform of pictures whose sides are a power of two, F32, NHWC: one pass along each axis (Cooley and Tukey 1965, radix 2).
//
//   fft_pass_f32             every line along one axis of [outer,size,inner]: X[k] = sum over j of x[j] exp(-2 pi i j k / size), or with +2 pi i
//   fft_magnitude_fwd_f32    y = |X| or log(1 + |X|)
//   fft_magnitude_bwd_f32    dX from dy, in place; zero where |X| is
//
// Invariant: a line's sum has an order of its own, whatever lines share its block.
#include "math.cuh"
#include "tile.cuh"

constexpr int FFT_THREADS = 256;
KERNEL_CONSTANT(FFT_MAX_SIDE, 512);
KERNEL_CONSTANT(FFT_LINES, 8); // of a block

struct FftPassParams {
    const float *re; // [outer,size,inner]
    const float *im; // or null: zero
    float *out_re;   // may be re
    float *out_im;   // may be im; null: not wanted
    long long lines; // outer * inner
    int inner, log_size;
    int inverse;    // the sign of the exponent is positive; no division by the size
    int accumulate; // out_re
};

DEVICE int reversed(int k, int bits) {
    int r = 0;
    for (int b = 0; b < bits; b++) r |= (k >> b & 1) << (bits - 1 - b);
    return r;
}

KERNEL(fft_pass_f32, FftPassParams, FFT_THREADS) {
    SHARED(float, re, FFT_MAX_SIDE *FFT_LINES);
    SHARED(float, im, FFT_MAX_SIDE *FFT_LINES);
    SHARED(float, turn_re, FFT_MAX_SIDE / 2);
    SHARED(float, turn_im, FFT_MAX_SIDE / 2);
    SHARED(long long, base, FFT_LINES);
    const int bits = p.log_size, size = 1 << bits, lines = rows_here(p.lines, FFT_LINES);
    for (int j = threadIdx.x; j < size / 2; j += blockDim.x) {
        const float angle = 6.28318531f * ((float)j / (float)size);
        turn_re[j] = cos_(angle);
        turn_im[j] = p.inverse ? sin_(angle) : -sin_(angle);
    }
    for (int l = threadIdx.x; l < lines; l += blockDim.x) {
        const long long line = (long long)blockIdx.x * FFT_LINES + l;
        base[l] = line / p.inner * p.inner * size + line % p.inner;
    }
    __syncthreads();
    each_cell(size, lines, [&](int k, int l) {
        const long long from = base[l] + (long long)k * p.inner;
        const int to = reversed(k, bits) * FFT_LINES + l;
        re[to] = p.re[from];
        im[to] = p.im ? p.im[from] : 0.0f;
    });
    __syncthreads();
    for (int stage = 0; stage < bits; stage++) {
        const int reach = 1 << stage;
        each_cell(size / 2, lines, [&](int u, int l) {
            const int j = u & (reach - 1), near = ((u - j) * 2 + j) * FFT_LINES + l, far = near + reach * FFT_LINES, turn = j << (bits - 1 - stage);
            const float c = turn_re[turn], s = turn_im[turn];
            const float turned_re = fma_(re[far], c, -(im[far] * s)), turned_im = fma_(re[far], s, im[far] * c);
            re[far] = re[near] - turned_re;
            im[far] = im[near] - turned_im;
            re[near] = re[near] + turned_re;
            im[near] = im[near] + turned_im;
        });
        __syncthreads();
    }
    each_cell(size, lines, [&](int k, int l) {
        const long long to = base[l] + (long long)k * p.inner;
        put(p.out_re[to], re[k * FFT_LINES + l], p.accumulate);
        if (p.out_im) p.out_im[to] = im[k * FFT_LINES + l];
    });
}

struct FftMagnitudeParams {
    float *re;        // [N,S,S,C]; bwd: becomes its gradient
    float *im;        // likewise
    float *y;         // fwd: [N,S,S,C]; bwd: dy
    long long pixels; // N * S * S
    int c;
    int moved;     // bits of a pixel's index that y has flipped: half a side in both axes for the shifted spectrum, else 0
    int logarithm; // log(1 + |X|)
    int rows_per_block;
};

KERNEL(fft_magnitude_fwd_f32, FftMagnitudeParams, FFT_THREADS) {
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    each_cell(rows_here(p.pixels, p.rows_per_block), p.c, [=](int r, int c) {
        const long long from = (first + r) * p.c + c, to = ((first + r) ^ p.moved) * p.c + c;
        const float magnitude = sqrt_(fma_(p.re[from], p.re[from], p.im[from] * p.im[from]));
        p.y[to] = p.logarithm ? log_(1.0f + magnitude) : magnitude;
    });
}

KERNEL(fft_magnitude_bwd_f32, FftMagnitudeParams, FFT_THREADS) {
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    each_cell(rows_here(p.pixels, p.rows_per_block), p.c, [=](int r, int c) {
        const long long i = (first + r) * p.c + c, from = ((first + r) ^ p.moved) * p.c + c;
        const float magnitude = sqrt_(fma_(p.re[i], p.re[i], p.im[i] * p.im[i]));
        const float slope = p.logarithm ? p.y[from] / (1.0f + magnitude) : p.y[from];
        const float scale = magnitude > 0.0f ? slope / magnitude : 0.0f;
        p.re[i] = scale * p.re[i];
        p.im[i] = scale * p.im[i];
    });
}
