// Matrix products of linear layers, F32, row-major (see gemm_tile.cuh for the arithmetic and its invariants).
//
//   gemm_nn_f32      c[M,N] (+)= a[M,K] b[K,N] (+ bias[N])      y = x wT (w transposed first), dx = dy w
//   gemm_tn_f32      part[S][M,N]  = a[K,M]T b[K,N]             dw = dyT x, the rows in S chunks of fixed length
//   split_sum_f32    c[n] (+)= sum_s part[s][n]                 in ascending s
//   transpose_f32    y[C,R] = x[R,C]T
//
// Split products: the chunk length depends on the shape only, so the order of summation does too.
#include "gemm_tile.cuh"
#include "params.cuh"

KERNEL_WHOLE(gemm_nn_f32, GemmParams, GEMM_THREADS) {
    SHARED(float, as, A_SIZE);
    SHARED(float, bs, B_SIZE);
    int m0 = blockIdx.x * TILE_M, n0 = blockIdx.y * TILE_N;
    int m_count = p.m - m0 < TILE_M ? p.m - m0 : TILE_M, n_count = p.n - n0 < TILE_N ? p.n - n0 : TILE_N;
    Accumulators acc;
    clear(acc);
    for (int k0 = 0; k0 < p.k; k0 += TILE_K) {
        int k_count = p.k - k0 < TILE_K ? p.k - k0 : TILE_K;
        stage_rows(as, A_PITCH, TILE_M, k_count, [&](int r) { return r < m_count ? p.a + (long long)(m0 + r) * p.k + k0 : nullptr; });
        stage_rows(bs, TILE_N, k_count, n_count, [&](int r) { return p.b + (long long)(k0 + r) * p.n + n0; });
        __syncthreads();
        tile_product<A_PITCH, 1>(acc, as, bs, k_count, m_count, n_count);
        __syncthreads();
    }
    store_tile(acc, m_count, n_count, [&](int m, int n, vecf value, int count) {
        store_segment(p.c + (long long)(m0 + m) * p.n + n0 + n, p.bias ? p.bias + n0 + n : nullptr, value, count, p.accumulate != 0);
    });
}

KERNEL_WHOLE(gemm_tn_f32, GemmSplitParams, GEMM_THREADS) {
    SHARED(float, as, A_SIZE);
    SHARED(float, bs, B_SIZE);
    int m0 = blockIdx.x * TILE_M, n0 = blockIdx.y * TILE_N, begin = blockIdx.z * p.chunk;
    int end = p.k - begin < p.chunk ? p.k : begin + p.chunk;
    int m_count = p.m - m0 < TILE_M ? p.m - m0 : TILE_M, n_count = p.n - n0 < TILE_N ? p.n - n0 : TILE_N;
    Accumulators acc;
    clear(acc);
    for (int k0 = begin; k0 < end; k0 += TILE_K) {
        int k_count = end - k0 < TILE_K ? end - k0 : TILE_K;
        stage_rows(as, TILE_M, k_count, m_count, [&](int r) { return p.a + (long long)(k0 + r) * p.m + m0; });
        stage_rows(bs, TILE_N, k_count, n_count, [&](int r) { return p.b + (long long)(k0 + r) * p.n + n0; });
        __syncthreads();
        tile_product<1, TILE_M>(acc, as, bs, k_count, m_count, n_count);
        __syncthreads();
    }
    float *part = p.part + (long long)blockIdx.z * p.m * p.n;
    store_tile(acc, m_count, n_count,
               [&](int m, int n, vecf value, int count) { v_store_n(part + (long long)(m0 + m) * p.n + n0 + n, value, count); });
}

struct SplitSumParams {
    const float *part; // [S,count]
    float *c;
    long long count;
    int splits;
    int accumulate;
};

KERNEL_CONSTANT(SPLIT_SUM_BLOCK, 4096);

KERNEL(split_sum_f32, SplitSumParams, 256) {
    long long begin = (long long)blockIdx.x * SPLIT_SUM_BLOCK;
    int n = (int)(p.count - begin < SPLIT_SUM_BLOCK ? p.count - begin : SPLIT_SUM_BLOCK);
    float *__restrict c = p.c + begin;
    const float *__restrict part = p.part + begin;
    SHARED(float, sum, SPLIT_SUM_BLOCK);
    for (int i = threadIdx.x; i < n; i += blockDim.x) sum[i] = part[i];
    for (int s = 1; s < p.splits; s++) {
        const float *__restrict next = part + s * p.count;
        for (int i = threadIdx.x; i < n; i += blockDim.x) sum[i] += next[i];
    }
    if (p.accumulate)
        for (int i = threadIdx.x; i < n; i += blockDim.x) c[i] = c[i] + sum[i];
    else
        for (int i = threadIdx.x; i < n; i += blockDim.x) c[i] = sum[i];
}

struct TransposeParams {
    const float *x; // [rows,cols]
    float *y;       // [cols,rows]
    int rows, cols;
};

KERNEL_CONSTANT(TRANSPOSE_TILE, 32);

KERNEL_WHOLE(transpose_f32, TransposeParams, 256) {
    constexpr int PITCH = TRANSPOSE_TILE + 1;
    SHARED(float, tile, TRANSPOSE_TILE *PITCH);
    int r0 = blockIdx.x * TRANSPOSE_TILE, c0 = blockIdx.y * TRANSPOSE_TILE;
    int rows = p.rows - r0 < TRANSPOSE_TILE ? p.rows - r0 : TRANSPOSE_TILE, cols = p.cols - c0 < TRANSPOSE_TILE ? p.cols - c0 : TRANSPOSE_TILE;
    constexpr int GROUP = ONE_THREAD ? 1 : TRANSPOSE_TILE;
    int lane = threadIdx.x % GROUP, first = threadIdx.x / GROUP, step = blockDim.x / GROUP;
    for (int r = first; r < rows; r += step)
        for (int c = lane; c < cols; c += GROUP) tile[r * PITCH + c] = p.x[(long long)(r0 + r) * p.cols + c0 + c];
    __syncthreads();
    for (int c = first; c < cols; c += step)
        for (int r = lane; r < rows; r += GROUP) p.y[(long long)(c0 + c) * p.rows + r0 + r] = tile[r * PITCH + c];
}
