// Pictures between bytes and the values that networks take.
//
//   to_pixels_u8        y = rint(255 clamp(x/2 + 1/2, 0, 1)); NaN gives 0
//   from_pixels_f32     y = x / 127.5 - 1
//   quantise_f32        y[N,P,C] = step rint(x / step) with step[N,C]; x where the step is not positive
#include "tile.cuh"

struct ToPixelsParams {
    const float *x;
    uint8_t *y;
    long long n;
};

KERNEL(to_pixels_u8, ToPixelsParams, 256) {
    each_element(p.n, [=](long long i) {
        const float v = fma_(p.x[i], 0.5f, 0.5f);
        const float inside = v > 0.0f ? (v < 1.0f ? v : 1.0f) : 0.0f;
        p.y[i] = (uint8_t)(int)rint_(inside * 255.0f);
    });
}

struct FromPixelsParams {
    const uint8_t *x;
    float *y;
    long long n;
};

KERNEL(from_pixels_f32, FromPixelsParams, 256) {
    each_element(p.n, [=](long long i) { p.y[i] = (float)p.x[i] / 127.5f - 1.0f; });
}

struct QuantiseParams {
    const float *x;    // [N,P,C]
    const float *step; // [N,C]
    float *y;          // [N,P,C]
    int pixels, c, rows_per_block;
};

// Grid: x = rows of pixels, y = N.
KERNEL(quantise_f32, QuantiseParams, 256) {
    const float *step = p.step + (long long)blockIdx.y * p.c;
    const long long first = ((long long)blockIdx.y * p.pixels + (long long)blockIdx.x * p.rows_per_block) * p.c;
    const float *x = p.x + first;
    float *y = p.y + first;
    each_cell(rows_here(p.pixels, p.rows_per_block), p.c, [=](int r, int c) {
        const long long at = (long long)r * p.c + c;
        const float s = step[c], v = x[at];
        y[at] = s > 0.0f ? s * rint_(v / s) : v;
    });
}
