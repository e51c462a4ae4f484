// Two-dimensional convolution as implicit matrix products, F32, NHWC (see gemm_tile.cuh for the arithmetic and its invariants).
//
//   conv2d_fwd_f32     y[P,O]  = sum over (kh,kw,c) of x[pixel of P at (kh,kw), c] wt[(kh,kw,c), O] + b     wt: weights transposed to [KH*KW*C, O]
//   conv2d_bwd_x_f32   dx[P,C] (+)= sum over (kh,kw,o) of dy[pixel, o] w[o, (kh,kw), C]
//   conv2d_bwd_w_f32   part[S][O,(kh,kw),C] = sum over pixels p of a chunk of dy[p,O] x[p at (kh,kw), C]     then split_sum_f32
//
// A pixel outside the picture is a row of zeros. Where a tap has fewer channels than TILE_K, several taps share one step; the order of the
// sum stays (kh, kw, channel).
//
//   bias_bwd_f32       part[S][O] = sum over the rows of a chunk of dy[rows,O] (see columns.cuh)             then split_sum_f32
#include "columns.cuh"
#include "gemm_tile.cuh"
#include "params.cuh"
#include "pixel.cuh"

KERNEL_CONSTANT(MAX_KERNEL, 16); // a bit per row and per column of the kernel

// Where the pixels of a tile take their values from: the offset of tap (0, 0), which may lie outside the picture, and which taps lie inside: bit kh
// for row kh of the kernel, bit MAX_KERNEL + kw for its column kw.
// Looked up for every tap of every pixel; reckoning it each time cost a third of the convolution at 32 channels.
struct TapTable {
    long long *offset;
    unsigned *inside;
};

DEVICE bool tap_inside(unsigned inside, int kh, int kw) { return inside >> kh & inside >> (MAX_KERNEL + kw) & 1; }

// Of output pixels in the input.
DEVICE void locate_taps(const TapTable &t, const Conv2dParams &p, long long first, int count) {
    for (int r = threadIdx.x; r < count; r += blockDim.x) {
        Pixel at = pixel_at(first + r, p.out_h, p.out_w);
        int y = at.y * p.stride - p.pad, x = at.x * p.stride - p.pad;
        unsigned inside = 0;
        for (int k = 0; k < p.kernel; k++)
            inside |= (unsigned)((unsigned)(y + k) < (unsigned)p.h) << k | (unsigned)((unsigned)(x + k) < (unsigned)p.width) << (MAX_KERNEL + k);
        t.offset[r] = (((long long)at.image * p.h + y) * p.width + x) * p.c;
        t.inside[r] = inside;
    }
}

// One tap only: the offset is that of the tap itself, `inside` whether it lies inside.
DEVICE void locate_tap(const TapTable &t, const Conv2dParams &p, int tap, long long first, int count) {
    int kh = tap / p.kernel - p.pad, kw = tap % p.kernel - p.pad;
    for (int r = threadIdx.x; r < count; r += blockDim.x) {
        Pixel at = pixel_at(first + r, p.out_h, p.out_w);
        int y = at.y * p.stride + kh, x = at.x * p.stride + kw;
        t.offset[r] = (((long long)at.image * p.h + y) * p.width + x) * p.c;
        t.inside[r] = (unsigned)y < (unsigned)p.h && (unsigned)x < (unsigned)p.width;
    }
}

// Of input pixels in the output: tap (kh, kw) is used by output (y + pad - kh) / stride where that is whole, which then is
// floor((y + pad) / stride) - floor(kh / stride).
DEVICE void locate_taps_transposed(const TapTable &t, const Conv2dParams &p, long long first, int count) {
    for (int r = threadIdx.x; r < count; r += blockDim.x) {
        Pixel at = pixel_at(first + r, p.h, p.width);
        int y = at.y + p.pad, x = at.x + p.pad;
        unsigned inside = 0;
        for (int k = 0; k < p.kernel; k++) {
            int ty = y - k, tx = x - k;
            inside |= (unsigned)(ty >= 0 && ty % p.stride == 0 && ty / p.stride < p.out_h) << k;
            inside |= (unsigned)(tx >= 0 && tx % p.stride == 0 && tx / p.stride < p.out_w) << (MAX_KERNEL + k);
        }
        t.offset[r] = (((long long)at.image * p.out_h + y / p.stride) * p.out_w + x / p.stride) * p.o;
        t.inside[r] = inside;
    }
}

KERNEL_WHOLE(conv2d_fwd_f32, Conv2dParams, GEMM_THREADS) {
    SHARED(float, as, A_SIZE);
    SHARED(float, bs, B_SIZE);
    SHARED(long long, offsets, TILE_M);
    SHARED(unsigned, insides, TILE_M);
    TapTable at = {offsets, insides};
    long long pixels = (long long)p.n * p.out_h * p.out_w, m0 = (long long)blockIdx.x * TILE_M;
    int n0 = blockIdx.y * TILE_N, taps = p.kernel * p.kernel;
    int m_count = (int)(pixels - m0 < TILE_M ? pixels - m0 : TILE_M), n_count = p.o - n0 < TILE_N ? p.o - n0 : TILE_N;
    locate_taps(at, p, m0, m_count);
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
                const float *x = p.x + ((long long)kh * p.width + kw) * p.c + c0;
                stage_rows(as + j * c_count, A_PITCH, m_count, c_count,
                           [&](int r) { return tap_inside(at.inside[r], kh, kw) ? x + at.offset[r] : nullptr; });
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

KERNEL_WHOLE(conv2d_bwd_x_f32, Conv2dParams, GEMM_THREADS) {
    SHARED(float, as, A_SIZE);
    SHARED(float, bs, B_SIZE);
    SHARED(long long, offsets, TILE_M);
    SHARED(unsigned, insides, TILE_M);
    TapTable at = {offsets, insides};
    long long pixels = (long long)p.n * p.h * p.width, m0 = (long long)blockIdx.x * TILE_M;
    int n0 = blockIdx.y * TILE_N, taps = p.kernel * p.kernel;
    int m_count = (int)(pixels - m0 < TILE_M ? pixels - m0 : TILE_M), n_count = p.c - n0 < TILE_N ? p.c - n0 : TILE_N;
    locate_taps_transposed(at, p, m0, m_count);
    __syncthreads();
    Accumulators acc;
    clear(acc);
    int taps_per_step = p.o < TILE_K ? TILE_K / p.o : 1;
    for (int tap0 = 0; tap0 < taps; tap0 += taps_per_step) {
        int tap_count = taps - tap0 < taps_per_step ? taps - tap0 : taps_per_step;
        for (int o0 = 0; o0 < p.o; o0 += TILE_K) {
            int o_count = p.o - o0 < TILE_K ? p.o - o0 : TILE_K, k_count = tap_count * o_count;
            for (int j = 0; j < tap_count; j++) {
                int tap = tap0 + j, kh = tap / p.kernel, kw = tap % p.kernel;
                const float *dy = p.x - ((long long)(kh / p.stride) * p.out_w + kw / p.stride) * p.o + o0;
                stage_rows(as + j * o_count, A_PITCH, m_count, o_count,
                           [&](int r) { return tap_inside(at.inside[r], kh, kw) ? dy + at.offset[r] : nullptr; });
                stage_rows(bs + j * o_count * TILE_N, TILE_N, o_count, n_count,
                           [&](int r) { return p.w + ((long long)(o0 + r) * taps + tap) * p.c + n0; });
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
KERNEL_WHOLE(conv2d_bwd_w_f32, Conv2dParams, GEMM_THREADS) {
    SHARED(float, as, A_SIZE);
    SHARED(float, bs, B_SIZE);
    SHARED(long long, offsets, TILE_K);
    SHARED(unsigned, insides, TILE_K);
    TapTable at = {offsets, insides};
    int taps = p.kernel * p.kernel, c_tiles = (p.c + TILE_N - 1) / TILE_N;
    int tap = blockIdx.y / c_tiles;
    int m0 = blockIdx.x * TILE_M, n0 = blockIdx.y % c_tiles * TILE_N;
    int m_count = p.o - m0 < TILE_M ? p.o - m0 : TILE_M, n_count = p.c - n0 < TILE_N ? p.c - n0 : TILE_N;
    long long pixels = (long long)p.n * p.out_h * p.out_w, begin = (long long)blockIdx.z * p.chunk;
    long long end = pixels - begin < p.chunk ? pixels : begin + p.chunk;
    Accumulators acc;
    clear(acc);
    for (long long k0 = begin; k0 < end; k0 += TILE_K) {
        int k_count = (int)(end - k0 < TILE_K ? end - k0 : TILE_K);
        locate_tap(at, p, tap, k0, k_count);
        stage_rows(as, TILE_M, k_count, m_count, [&](int r) { return p.w + (k0 + r) * p.o + m0; });
        __syncthreads();
        stage_rows(bs, TILE_N, k_count, n_count, [&](int r) { return at.inside[r] ? p.x + at.offset[r] + n0 : nullptr; });
        __syncthreads();
        tile_product<1, TILE_M>(acc, as, bs, k_count, m_count, n_count);
        __syncthreads();
    }
    float *part = p.y + (long long)blockIdx.z * p.o * taps * p.c;
    store_tile(acc, m_count, n_count,
               [&](int m, int n, vecf value, int count) { v_store_n(part + ((long long)(m0 + m) * taps + tap) * p.c + n0 + n, value, count); });
}

// db[o] (+)= sum over rows of dy[rows,O], the rows in chunks of fixed length: bias_bwd_f32 sums each chunk in the order of column_sum,
// split_sum_f32 adds the chunks.
struct BiasGradParams {
    const float *dy; // [rows,O]
    float *part;     // [chunks,O]
    long long rows;
    int o;
    int chunk;
};

constexpr int BIAS_THREADS = 256;

// Grid: x = chunks * tiles of O; the tiles of a chunk follow each other, so that its rows are still in the processor's cache.
KERNEL(bias_bwd_f32, BiasGradParams, BIAS_THREADS) {
    SHARED(float, lane, LANE_SUMS);
    SHARED(float, sum, COLUMNS);
    const int tiles = (p.o + COLUMNS - 1) / COLUMNS, chunk = blockIdx.x / tiles;
    const int o0 = blockIdx.x % tiles * COLUMNS, cols = at_most(p.o - o0, COLUMNS);
    const long long begin = (long long)chunk * p.chunk;
    const int rows = (int)(p.rows - begin < p.chunk ? p.rows - begin : p.chunk);
    const float *__restrict dy = p.dy + begin * p.o + o0;
    column_sum<1>(rows, cols, lane, sum, [&](int r, int c, int n) { return Runs<1>{{v_load_n(dy + (long long)r * p.o + c, n)}}; });
    float *__restrict out = p.part + (long long)chunk * p.o + o0;
    for (int c = threadIdx.x; c < cols; c += blockDim.x) out[c] = sum[c];
}
