// Kernels that exist for the proof only: they exercise the dialect, the reductions, the maths and the generator. Linked into test
// libraries, never into a product.
#include "gpu.cuh"
#include "math.cuh"
#include "philox.cuh"
#include "reduce.cuh"
#include "selftest_params.h"

// ---- elementary functions: y[i] = f(x[i]), 4,096 elements a block

constexpr int selftest_portion = 4096;

template <class F> DEVICE void selftest_map(const SelftestMapParams &p, F f) {
    const long long first = (long long)blockIdx.x * selftest_portion;
    const int count = (int)(p.n - first < selftest_portion ? p.n - first : selftest_portion);
    const float *x = p.x + first;
    float *y = p.y + first;
    for (int i = threadIdx.x; i < count; i += blockDim.x) y[i] = f(x[i]);
}

#define SELFTEST_FUNCTION(name)                                                                                                                      \
    KERNEL(selftest_##name##f32, SelftestMapParams, 256) {                                                                                           \
        selftest_map(p, [](float v) { return name(v); });                                                                                            \
    }
SELFTEST_FUNCTION(exp_)
SELFTEST_FUNCTION(log_)
SELFTEST_FUNCTION(tanh_)
SELFTEST_FUNCTION(sigmoid_)
SELFTEST_FUNCTION(erf_)
SELFTEST_FUNCTION(sin_)
SELFTEST_FUNCTION(cos_)

// ---- scalar helpers: 8 results for each triple (a, b, c)

KERNEL(selftest_scalar_f32, SelftestScalarParams, 256) {
    for (int i = threadIdx.x; i < p.n; i += blockDim.x) {
        const float a = p.a[i], b = p.b[i], c = p.c[i];
        float *y = p.y + 8 * i;
        y[0] = fma_(a, b, c);
        y[1] = a * b + c;
        y[2] = a / b;
        y[3] = sqrt_(a);
        y[4] = rint_(a);
        y[5] = max_(a, b);
        y[6] = min_(a, b);
        y[7] = bits_(ubits_(abs_(a)) + 1u);
    }
}

// ---- vecf: y = a * b + c, then y + a, then y * s; the last n % VECF_LANES elements by the partial forms

KERNEL(selftest_vector_f32, SelftestVectorParams, 256) {
    SHARED(float, tile, 64);
    for (int i = threadIdx.x * VECF_LANES; i < p.n; i += blockDim.x * VECF_LANES) {
        const int count = p.n - i < VECF_LANES ? p.n - i : VECF_LANES;
        const bool whole = count == VECF_LANES;
        const vecf a = whole ? v_load(p.a + i) : v_load_n(p.a + i, count);
        const vecf b = whole ? v_load(p.b + i) : v_load_n(p.b + i, count);
        const vecf c = whole ? v_load(p.c + i) : v_load_n(p.c + i, count);
        const vecf y = v_mul(v_add(v_fma(a, b, c), a), v_set1(p.s));
        if (whole)
            v_store(p.y + i, y);
        else
            v_store_n(p.y + i, y, count);
    }
    // The aligned forms, through shared memory: element 64 of y and on becomes 0 + tile.
    if (threadIdx.x == 0)
        for (int i = 0; i < 64; i += VECF_LANES) v_store_aligned(tile + i, v_load(p.a + i));
    __syncthreads();
    for (int i = threadIdx.x * VECF_LANES; i < 64; i += blockDim.x * VECF_LANES) v_store(p.y + p.n + i, v_add(v_load_aligned(tile + i), v_zero()));
}

// ---- where a thread stands: y[block * blockDim.x + thread]

KERNEL(selftest_index_u32, SelftestIndexParams, 128) {
    const uint32_t block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    p.y[block * blockDim.x + threadIdx.x] = block * 1000u + threadIdx.x * 7u + gridDim.z;
}

// The same for a kernel that needs whole blocks.
KERNEL_WHOLE(selftest_whole_u32, SelftestIndexParams, 128) {
    if (threadIdx.x == 0) p.y[blockIdx.x] = blockDim.x;
}

// ---- reductions, each called again at once, every thread writing what it got: y[(repeat * 1024 + thread) * 5 + which]

KERNEL(selftest_reduce_f32, SelftestReduceParams, 1024) {
    for (int k = 0; k < p.repeats; k++) {
        const float *x = p.x + k;
        const auto element = [&](int i) { return x[i]; };
        float *y = p.y + (k * 1024 + threadIdx.x) * 5;
        y[0] = block_sum<32>(p.n, element);
        y[1] = block_sum<256>(p.n, element);
        y[2] = block_sum<1024>(p.n, element);
        y[3] = block_max<32>(p.n, element);
        y[4] = block_max<256>(p.n, element);
    }
}

KERNEL(selftest_sum_i64, SelftestSumIntegerParams, 256) {
    const int64_t sum = block_sum_i64<256>(p.n, [&](int i) {
        const int d = (int)p.a[i] - (int)p.b[i];
        return (int64_t)(d * d);
    });
    p.y[threadIdx.x] = sum;
}

// 8 rows a block
KERNEL(selftest_rows_f32, SelftestRowsParams, 256) {
    constexpr int block_rows = 8;
    SHARED(float, sum, block_rows);
    SHARED(float, largest, block_rows);
    const int first = blockIdx.x * block_rows;
    const int rows = p.rows - first < block_rows ? p.rows - first : block_rows;
    const auto element = [&](int r, int i) { return p.x[(long long)(first + r) * p.n + i]; };
    row_sum<block_rows>(rows, p.n, element, sum);
    row_max<block_rows>(rows, p.n, element, largest);
    for (int r = threadIdx.x; r < rows; r += blockDim.x) {
        p.sums[first + r] = sum[r];
        p.maxima[first + r] = largest[r];
    }
}

// ---- shared memory and barriers: a 32 x 32 tile transposed

KERNEL(selftest_transpose_f32, SelftestTransposeParams, 256) {
    SHARED(float, tile, 32 * 33);
    const float *x = p.x + blockIdx.x * 1024;
    float *y = p.y + blockIdx.x * 1024;
    for (int i = threadIdx.x; i < 1024; i += blockDim.x) tile[i / 32 * 33 + i % 32] = x[i];
    __syncthreads();
    for (int i = threadIdx.x; i < 1024; i += blockDim.x) y[i] = tile[i % 32 * 33 + i / 32];
}

// ---- dynamic shared memory: 96 KB reversed, with the block's first element added from a static array

constexpr int selftest_shared_count = 24 * 1024;

KERNEL_SHARED(selftest_shared_f32, SelftestTransposeParams, 256, selftest_shared_count * 4) {
    SHARED_DYNAMIC(float, tile);
    SHARED(float, first, 1);
    const float *x = p.x + blockIdx.x * selftest_shared_count;
    float *y = p.y + blockIdx.x * selftest_shared_count;
    for (int i = threadIdx.x; i < selftest_shared_count; i += blockDim.x) tile[i] = x[i];
    if (threadIdx.x == 0) first[0] = x[0];
    __syncthreads();
    for (int i = threadIdx.x; i < selftest_shared_count; i += blockDim.x) y[i] = tile[selftest_shared_count - 1 - i] + first[0];
}

// ---- Philox

KERNEL(selftest_philox_u32, SelftestPhiloxParams, 256) {
    for (int i = threadIdx.x; i < p.n; i += blockDim.x) {
        const uint32_t *c = p.counters + 4 * i;
        const Philox4 r = philox4x32_10({c[0], c[1], c[2], c[3]}, p.key0, p.key1);
        const FloatPair first = normal_pair(r.x, r.y), second = normal_pair(r.z, r.w);
        const uint32_t words[4] = {r.x, r.y, r.z, r.w};
        const float normals[4] = {first.a, first.b, second.a, second.b};
        for (int k = 0; k < 4; k++) {
            p.words[4 * i + k] = words[k];
            p.uniforms[4 * i + k] = uniform_(words[k]);
            p.normals[4 * i + k] = normals[k];
        }
    }
}

// ---- tensor cores

#if !defined(CUATTR_CPU)

#include "mma_tile.cuh"

KERNEL(selftest_round_bf16, SelftestBf16Params, 256) {
    for (int i = threadIdx.x; i < p.n; i += blockDim.x) p.y[i] = bf16x2_(p.x[2 * i], p.x[2 * i + 1]);
}

KERNEL_WHOLE(selftest_mma_f32_bf16, SelftestMmaParams, 32) {
    uint32_t a[1][4], b[1][2];
    float c[1][1][4];
    UNROLL
    for (int i = 0; i < 4; i++) a[0][i] = p.a[4 * threadIdx.x + i], c[0][0][i] = p.c[4 * threadIdx.x + i];
    UNROLL
    for (int i = 0; i < 2; i++) b[0][i] = p.b[2 * threadIdx.x + i];
    mma_bf16(c, a, b);
    UNROLL
    for (int i = 0; i < 4; i++) p.c[4 * threadIdx.x + i] = c[0][0][i];
}

KERNEL_WHOLE(selftest_matrices_bf16, SelftestMatricesParams, 32) {
    SHARED(uint16_t, x, 32 * 8);
    for (int i = threadIdx.x; i < 32 * 8; i += 32) x[i] = p.x[i];
    __syncthreads();
    uint32_t plain[4], transposed[4];
    load_matrices(plain, x + 8 * threadIdx.x);
    load_matrices_transposed(transposed, x + 8 * threadIdx.x);
    UNROLL
    for (int i = 0; i < 4; i++) p.plain[4 * threadIdx.x + i] = plain[i], p.transposed[4 * threadIdx.x + i] = transposed[i];
}

template <int ROWS, int COLS> DEVICE void selftest_tile(const SelftestTileParams &p) {
    typedef MmaTile<ROWS, COLS> Tile;
    for (int i = threadIdx.x; i < ROWS * COLS; i += MMA_THREADS) p.words[i] = Tile::word(i / COLS, i % COLS);
    p.stores[threadIdx.x] = Tile::word(Tile::row(0), Tile::col());
}

KERNEL_WHOLE(selftest_tile_bf16, SelftestTileParams, 256) {
    if (p.shape == 0) selftest_tile<128, 32>(p);
    if (p.shape == 1) selftest_tile<32, 128>(p);
    if (p.shape == 2) selftest_tile<32, 64>(p);
}

#endif
