// Pooling, F32, NHWC: every output element sums or compares the values of one channel in a square window, in the order (kh, kw).
//
//   max_pool_fwd_f32          y[P,C] = the largest value of the window, tap[P,C] = the first that has it
//   max_pool_bwd_f32          dx[X,C] (+)= sum over the windows whose tap it is of dy, by ascending output row and column
//   avg_pool_fwd_f32          y[P,C] = sum of the window / its size
//   avg_pool_bwd_f32          dx[X,C] (+)= sum over the windows around it of dy / their size
//   global_avg_pool_fwd_f32   y[N,C] = sum over the pixels (see columns.cuh) / their number
//   global_avg_pool_bwd_f32   dx[N,X,C] (+)= dy[N,C] / the number of pixels
//   gem_pool_fwd_f32          y[N,C] = cube root of the mean over the pixels of max(x, eps)^3
//   gem_pool_bwd_f32          dx[N,X,C] (+)= dy[N,C] x^2 / (y[N,C]^2 the number of pixels) where x >= eps
//
// Padding is no value: it never wins, and adds nothing to a sum. A NaN is larger than any number, and the last of several wins, as in PyTorch. The
// padding is at most half the window, so every window has a pixel.
#include "columns.cuh"
#include "math.cuh"
#include "pixel.cuh"
#include "tile.cuh"

constexpr int POOL_THREADS = 256;

struct PoolShape {
    int h, width, c;
    int out_h, out_w;
    int kernel, stride, pad;
    int count_pad; // average: whether padding counts in the size of a window
};

// Consecutive values along one axis.
struct Span {
    int begin, end;
};

DEVICE int at_least(int value, int limit) { return value > limit ? value : limit; }

// The pixels of an axis of `extent` in window `out`.
DEVICE Span pixels_of(const PoolShape &s, int out, int extent) {
    const int first = out * s.stride - s.pad;
    return {at_least(first, 0), at_most(first + s.kernel, extent)};
}

// The windows of an axis that have pixel `in`.
DEVICE Span windows_of(const PoolShape &s, int in, int windows) {
    const int reach = in + s.pad - s.kernel; // the last window that ends before the pixel begins at most here
    return {reach < 0 ? 0 : reach / s.stride + 1, at_most((in + s.pad) / s.stride + 1, windows)};
}

// Extent of a window along one axis as its size counts it; no window reaches beyond the padding.
DEVICE int size_of(const PoolShape &s, int out, int extent) {
    const Span span = pixels_of(s, out, extent);
    return s.count_pad ? s.kernel : span.end - span.begin;
}

DEVICE float window_size(const PoolShape &s, int oy, int ox) { return (float)(size_of(s, oy, s.h) * size_of(s, ox, s.width)); }

struct MaxPoolParams {
    const float *x;   // [N,H,W,C]
    float *y;         // [N,OH,OW,C]
    uint8_t *tap;     // [N,OH,OW,C]: kh * kernel + kw; or null
    long long pixels; // of y
    PoolShape shape;
    int rows_per_block;
};

KERNEL(max_pool_fwd_f32, MaxPoolParams, POOL_THREADS) {
    const PoolShape s = p.shape;
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    each_cell(rows_here(p.pixels, p.rows_per_block), s.c, [=](int r, int c) {
        const Pixel at = pixel_at(first + r, s.out_h, s.out_w);
        const Span ys = pixels_of(s, at.y, s.h), xs = pixels_of(s, at.x, s.width);
        const float *x = p.x + (long long)at.image * s.h * s.width * s.c + c;
        float largest = x[((long long)ys.begin * s.width + xs.begin) * s.c];
        int row = ys.begin, column = xs.begin;
        for (int iy = ys.begin; iy < ys.end; iy++)
            for (int ix = xs.begin; ix < xs.end; ix++) {
                const float value = x[((long long)iy * s.width + ix) * s.c];
                if (value > largest || value != value) largest = value, row = iy, column = ix;
            }
        const long long to = (first + r) * s.c + c;
        p.y[to] = largest;
        if (p.tap) p.tap[to] = (uint8_t)((row - at.y * s.stride + s.pad) * s.kernel + column - at.x * s.stride + s.pad);
    });
}

struct MaxPoolGradParams {
    const float *dy;    // [N,OH,OW,C]
    const uint8_t *tap; // [N,OH,OW,C]
    float *dx;          // [N,H,W,C]
    long long pixels;   // of dx
    PoolShape shape;
    int rows_per_block, accumulate;
};

KERNEL(max_pool_bwd_f32, MaxPoolGradParams, POOL_THREADS) {
    const PoolShape s = p.shape;
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    each_cell(rows_here(p.pixels, p.rows_per_block), s.c, [=](int r, int c) {
        const Pixel at = pixel_at(first + r, s.h, s.width);
        const Span ys = windows_of(s, at.y, s.out_h), xs = windows_of(s, at.x, s.out_w);
        const long long image = (long long)at.image * s.out_h * s.out_w * s.c + c;
        float sum = 0.0f;
        for (int oy = ys.begin; oy < ys.end; oy++)
            for (int ox = xs.begin; ox < xs.end; ox++) {
                const long long from = image + ((long long)oy * s.out_w + ox) * s.c;
                const int tap = (at.y + s.pad - oy * s.stride) * s.kernel + at.x + s.pad - ox * s.stride;
                if (p.tap[from] == tap) sum += p.dy[from];
            }
        put(p.dx[(first + r) * s.c + c], sum, p.accumulate);
    });
}

struct AvgPoolParams {
    const float *x;   // fwd: [N,H,W,C]; bwd: dy [N,OH,OW,C]
    float *y;         // fwd: [N,OH,OW,C]; bwd: dx [N,H,W,C]
    long long pixels; // of y
    PoolShape shape;
    int rows_per_block, accumulate;
};

KERNEL(avg_pool_fwd_f32, AvgPoolParams, POOL_THREADS) {
    const PoolShape s = p.shape;
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    each_cell(rows_here(p.pixels, p.rows_per_block), s.c, [=](int r, int c) {
        const Pixel at = pixel_at(first + r, s.out_h, s.out_w);
        const Span ys = pixels_of(s, at.y, s.h), xs = pixels_of(s, at.x, s.width);
        const float *x = p.x + (long long)at.image * s.h * s.width * s.c + c;
        float sum = 0.0f;
        for (int iy = ys.begin; iy < ys.end; iy++)
            for (int ix = xs.begin; ix < xs.end; ix++) sum += x[((long long)iy * s.width + ix) * s.c];
        p.y[(first + r) * s.c + c] = sum / window_size(s, at.y, at.x);
    });
}

KERNEL(avg_pool_bwd_f32, AvgPoolParams, POOL_THREADS) {
    const PoolShape s = p.shape;
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    each_cell(rows_here(p.pixels, p.rows_per_block), s.c, [=](int r, int c) {
        const Pixel at = pixel_at(first + r, s.h, s.width);
        const Span ys = windows_of(s, at.y, s.out_h), xs = windows_of(s, at.x, s.out_w);
        const float *dy = p.x + (long long)at.image * s.out_h * s.out_w * s.c + c;
        float sum = 0.0f;
        for (int oy = ys.begin; oy < ys.end; oy++)
            for (int ox = xs.begin; ox < xs.end; ox++) sum += dy[((long long)oy * s.out_w + ox) * s.c] / window_size(s, oy, ox);
        put(p.y[(first + r) * s.c + c], sum, p.accumulate);
    });
}

struct GlobalAvgPoolParams {
    const float *x; // fwd: [N,P,C]; bwd: dy [N,C]
    float *y;       // fwd: [N,C]; bwd: dx [N,P,C]
    int pixels, c;
    int rows_per_block, accumulate;
};

// Grid: x = tiles of C, y = N.
KERNEL(global_avg_pool_fwd_f32, GlobalAvgPoolParams, POOL_THREADS) {
    SHARED(float, lane, LANE_SUMS);
    SHARED(float, sum, COLUMNS);
    const int c0 = blockIdx.x * COLUMNS, cols = at_most(p.c - c0, COLUMNS);
    const float *__restrict x = p.x + (long long)blockIdx.y * p.pixels * p.c + c0;
    column_sum<1>(p.pixels, cols, lane, sum, [&](int r, int c, int n) { return Runs<1>{{v_load_n(x + (long long)r * p.c + c, n)}}; });
    float *__restrict y = p.y + (long long)blockIdx.y * p.c + c0;
    for (int c = threadIdx.x; c < cols; c += blockDim.x) y[c] = sum[c] / (float)p.pixels;
}

// Grid: x = rows of pixels, y = N.
KERNEL(global_avg_pool_bwd_f32, GlobalAvgPoolParams, POOL_THREADS) {
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    const float *dy = p.x + (long long)blockIdx.y * p.c;
    float *dx = p.y + ((long long)blockIdx.y * p.pixels + first) * p.c;
    each_cell(rows_here(p.pixels, p.rows_per_block), p.c,
              [=](int r, int c) { put(dx[(long long)r * p.c + c], dy[c] / (float)p.pixels, p.accumulate); });
}

struct GemPoolParams {
    const float *x;  // [N,P,C]
    const float *dy; // bwd: [N,C]
    float *y;        // [N,C]
    float *dx;       // bwd: [N,P,C]
    int pixels, c;
    float eps;
    int rows_per_block, accumulate;
};

// Of x > 0: the root that exp and log give, and one step of Newton's for their error.
DEVICE float cube_root(float x) {
    const float y = exp_(log_(x) / 3.0f);
    return y - (y - x / (y * y)) / 3.0f;
}

DEVICE vecf cubes(const float *x, int n, float eps) {
    alignas(64) float value[VECF_LANES];
    v_store_aligned(value, v_load_n(x, n));
    for (int l = 0; l < VECF_LANES; l++) {
        const float v = value[l] < eps ? eps : value[l];
        value[l] = v * v * v;
    }
    return v_load_aligned(value);
}

// Grid: x = tiles of C, y = N.
KERNEL(gem_pool_fwd_f32, GemPoolParams, POOL_THREADS) {
    SHARED(float, lane, LANE_SUMS);
    SHARED(float, sum, COLUMNS);
    const int c0 = blockIdx.x * COLUMNS, cols = at_most(p.c - c0, COLUMNS);
    const float *__restrict x = p.x + (long long)blockIdx.y * p.pixels * p.c + c0;
    column_sum<1>(p.pixels, cols, lane, sum, [&](int r, int c, int n) { return Runs<1>{{cubes(x + (long long)r * p.c + c, n, p.eps)}}; });
    float *__restrict y = p.y + (long long)blockIdx.y * p.c + c0;
    for (int c = threadIdx.x; c < cols; c += blockDim.x) y[c] = cube_root(sum[c] / (float)p.pixels);
}

// Grid: x = rows of pixels, y = N.
KERNEL(gem_pool_bwd_f32, GemPoolParams, POOL_THREADS) {
    const long long first = (long long)blockIdx.x * p.rows_per_block, own = ((long long)blockIdx.y * p.pixels + first) * p.c;
    const float *x = p.x + own, *y = p.y + (long long)blockIdx.y * p.c, *dy = p.dy + (long long)blockIdx.y * p.c;
    float *dx = p.dx + own;
    each_cell(rows_here(p.pixels, p.rows_per_block), p.c, [=](int r, int c) {
        const long long i = (long long)r * p.c + c;
        const float share = x[i] / y[c];
        put(dx[i], x[i] < p.eps ? 0.0f : dy[c] / (float)p.pixels * (share * share), p.accumulate);
    });
}
