// Two-dimensional convolution as implicit matrix products, F32, NHWC (see gemm_tile.cuh for the arithmetic and its invariants).
//
//   conv2d_fwd_f32     y[P,O]  = sum over (kh,kw,c) of x[pixel of P at (kh,kw), c] wt[(kh,kw,c), O] + b     wt: weights transposed to [KH*KW*C, O]
//   conv2d_bwd_x_f32   dx[P,C] (+)= sum over (kh,kw,o) of dy[pixel, o] w[o, (kh,kw), C]
//   conv2d_bwd_w_f32   part[S][O,(kh,kw),C] = sum over pixels p of a chunk of dy[p,O] x[p at (kh,kw), C]     then split_sum_f32
//
// A pixel outside the picture is a row of zeros. Where a tap has fewer channels than TILE_K, several taps share one step; the order of the
// sum stays (kh, kw, channel).
#include "gemm_tile.cuh"

struct Conv2dParams {
    const float *x; // fwd: input; bwd_x: dy; bwd_w: input
    const float *w; // fwd: transposed weights; bwd_x: weights; bwd_w: dy
    const float *b; // fwd: bias [O] or null
    float *y;       // fwd: output; bwd_x: dx; bwd_w: partial sums
    int n, h, width, c;
    int out_h, out_w, o;
    int kernel, stride, pad; // pad: rows above and columns left; those below and right follow from the extents
    int chunk;               // bwd_w: pixels per split
    int accumulate;          // bwd_x
};

// Picture coordinates of a tile's pixels.
struct PixelTable {
    int *image; // sample
    int *row;
    int *col;
};

DEVICE void locate_pixels(const PixelTable &t, long long first, int count, int h, int w) {
    for (int r = threadIdx.x; r < count; r += blockDim.x) {
        long long pixel = first + r;
        int in_image = (int)(pixel % ((long long)h * w));
        t.image[r] = (int)(pixel / ((long long)h * w));
        t.row[r] = in_image / w;
        t.col[r] = in_image % w;
    }
}

KERNEL(conv2d_fwd_f32, Conv2dParams, GEMM_THREADS) {
    SHARED(float, as, A_SIZE);
    SHARED(float, bs, B_SIZE);
    SHARED(int, table, 3 * TILE_M);
    PixelTable at = {table, table + TILE_M, table + 2 * TILE_M};
    long long pixels = (long long)p.n * p.out_h * p.out_w, m0 = (long long)blockIdx.x * TILE_M;
    int n0 = blockIdx.y * TILE_N, taps = p.kernel * p.kernel;
    int m_count = (int)(pixels - m0 < TILE_M ? pixels - m0 : TILE_M), n_count = p.o - n0 < TILE_N ? p.o - n0 : TILE_N;
    locate_pixels(at, m0, m_count, p.out_h, p.out_w);
    __syncthreads();
    Accumulators acc;
    clear(acc);
    int taps_per_step = p.c < TILE_K ? TILE_K / p.c : 1;
    for (int tap0 = 0; tap0 < taps; tap0 += taps_per_step) {
        int tap_count = taps - tap0 < taps_per_step ? taps - tap0 : taps_per_step;
        for (int c0 = 0; c0 < p.c; c0 += TILE_K) {
            int c_count = p.c - c0 < TILE_K ? p.c - c0 : TILE_K, k_count = tap_count * c_count;
            for (int j = 0; j < tap_count; j++) {
                int kh = (tap0 + j) / p.kernel, kw = (tap0 + j) % p.kernel;
                stage_rows(as + j * c_count, A_PITCH, m_count, c_count, [&](int r) -> const float * {
                    int y = at.row[r] * p.stride - p.pad + kh, x = at.col[r] * p.stride - p.pad + kw;
                    bool inside = y >= 0 && y < p.h && x >= 0 && x < p.width;
                    return inside ? p.x + (((long long)at.image[r] * p.h + y) * p.width + x) * p.c + c0 : nullptr;
                });
            }
            stage_rows(bs, TILE_N, k_count, n_count, [&](int r) { return p.w + ((long long)tap0 * p.c + c0 + r) * p.o + n0; });
            __syncthreads();
            tile_product<A_PITCH, 1>(acc, as, bs, k_count, m_count, n_count);
            __syncthreads();
        }
    }
    store_tile(acc, m_count, n_count, [&](int m, int n, vecf value, int count) {
        store_segment(p.y + (m0 + m) * p.o + n0 + n, p.b ? p.b + n0 + n : nullptr, value, count, false);
    });
}

KERNEL(conv2d_bwd_x_f32, Conv2dParams, GEMM_THREADS) {
    SHARED(float, as, A_SIZE);
    SHARED(float, bs, B_SIZE);
    SHARED(int, table, 3 * TILE_M);
    PixelTable at = {table, table + TILE_M, table + 2 * TILE_M};
    long long pixels = (long long)p.n * p.h * p.width, m0 = (long long)blockIdx.x * TILE_M;
    int n0 = blockIdx.y * TILE_N, taps = p.kernel * p.kernel;
    int m_count = (int)(pixels - m0 < TILE_M ? pixels - m0 : TILE_M), n_count = p.c - n0 < TILE_N ? p.c - n0 : TILE_N;
    locate_pixels(at, m0, m_count, p.h, p.width);
    __syncthreads();
    Accumulators acc;
    clear(acc);
    int taps_per_step = p.o < TILE_K ? TILE_K / p.o : 1;
    for (int tap0 = 0; tap0 < taps; tap0 += taps_per_step) {
        int tap_count = taps - tap0 < taps_per_step ? taps - tap0 : taps_per_step;
        for (int o0 = 0; o0 < p.o; o0 += TILE_K) {
            int o_count = p.o - o0 < TILE_K ? p.o - o0 : TILE_K, k_count = tap_count * o_count;
            for (int j = 0; j < tap_count; j++) {
                int kh = (tap0 + j) / p.kernel, kw = (tap0 + j) % p.kernel;
                stage_rows(as + j * o_count, A_PITCH, m_count, o_count, [&](int r) -> const float * {
                    int y = at.row[r] + p.pad - kh, x = at.col[r] + p.pad - kw;
                    bool hit = y >= 0 && x >= 0 && y % p.stride == 0 && x % p.stride == 0;
                    y /= p.stride;
                    x /= p.stride;
                    hit = hit && y < p.out_h && x < p.out_w;
                    return hit ? p.x + (((long long)at.image[r] * p.out_h + y) * p.out_w + x) * p.o + o0 : nullptr;
                });
                stage_rows(bs + j * o_count * TILE_N, TILE_N, o_count, n_count,
                           [&](int r) { return p.w + ((long long)(o0 + r) * taps + tap0 + j) * p.c + n0; });
            }
            __syncthreads();
            tile_product<A_PITCH, 1>(acc, as, bs, k_count, m_count, n_count);
            __syncthreads();
        }
    }
    store_tile(acc, m_count, n_count,
               [&](int m, int n, vecf value, int count) { store_segment(p.y + (m0 + m) * p.c + n0 + n, nullptr, value, count, p.accumulate != 0); });
}

// Grid: x = tiles of O, y = tap * tiles of C, z = split.
KERNEL(conv2d_bwd_w_f32, Conv2dParams, GEMM_THREADS) {
    SHARED(float, as, A_SIZE);
    SHARED(float, bs, B_SIZE);
    SHARED(int, table, 3 * TILE_K);
    PixelTable at = {table, table + TILE_K, table + 2 * TILE_K};
    int taps = p.kernel * p.kernel, c_tiles = (p.c + TILE_N - 1) / TILE_N;
    int tap = blockIdx.y / c_tiles, kh = tap / p.kernel, kw = tap % p.kernel;
    int m0 = blockIdx.x * TILE_M, n0 = blockIdx.y % c_tiles * TILE_N;
    int m_count = p.o - m0 < TILE_M ? p.o - m0 : TILE_M, n_count = p.c - n0 < TILE_N ? p.c - n0 : TILE_N;
    long long pixels = (long long)p.n * p.out_h * p.out_w, begin = (long long)blockIdx.z * p.chunk;
    long long end = pixels - begin < p.chunk ? pixels : begin + p.chunk;
    Accumulators acc;
    clear(acc);
    for (long long k0 = begin; k0 < end; k0 += TILE_K) {
        int k_count = (int)(end - k0 < TILE_K ? end - k0 : TILE_K);
        locate_pixels(at, k0, k_count, p.out_h, p.out_w);
        stage_rows(as, TILE_M, k_count, m_count, [&](int r) { return p.w + (k0 + r) * p.o + m0; });
        __syncthreads();
        stage_rows(bs, TILE_N, k_count, n_count, [&](int r) -> const float * {
            int y = at.row[r] * p.stride - p.pad + kh, x = at.col[r] * p.stride - p.pad + kw;
            bool inside = y >= 0 && y < p.h && x >= 0 && x < p.width;
            return inside ? p.x + (((long long)at.image[r] * p.h + y) * p.width + x) * p.c + n0 : nullptr;
        });
        __syncthreads();
        tile_product<1, TILE_M>(acc, as, bs, k_count, m_count, n_count);
        __syncthreads();
    }
    float *part = p.y + (long long)blockIdx.z * p.o * taps * p.c;
    store_tile(acc, m_count, n_count,
               [&](int m, int n, vecf value, int count) { v_store_n(part + ((long long)(m0 + m) * taps + tap) * p.c + n0 + n, value, count); });
}

// db[o] (+)= sum over rows of dy[rows,O], the rows in chunks of fixed length: bias_bwd_f32 sums each chunk in ascending order, split_sum_f32 adds the
// chunks.
struct BiasGradParams {
    const float *dy; // [rows,O]
    float *part;     // [chunks,O]
    long long rows;
    int o;
    int chunk;
};

constexpr int BIAS_COLS = 256;

KERNEL(bias_bwd_f32, BiasGradParams, BIAS_COLS) {
    SHARED(float, sum, BIAS_COLS);
    int o0 = blockIdx.y * BIAS_COLS, count = p.o - o0 < BIAS_COLS ? p.o - o0 : BIAS_COLS;
    long long begin = (long long)blockIdx.x * p.chunk, end = p.rows - begin < p.chunk ? p.rows : begin + p.chunk;
    for (int i = threadIdx.x; i < count; i += blockDim.x) sum[i] = 0.0f;
    for (long long r = begin; r < end; r++) {
        const float *__restrict row = p.dy + r * p.o + o0;
        for (int i = threadIdx.x; i < count; i += blockDim.x) sum[i] += row[i];
    }
    float *__restrict out = p.part + (long long)blockIdx.x * p.o + o0;
    for (int i = threadIdx.x; i < count; i += blockDim.x) out[i] = sum[i];
}
