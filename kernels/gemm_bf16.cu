// The matrix products of gemm.cu on tensor cores: arrays F32, operands rounded to BF16, sums in F32 (see mma_tile.cuh). Not in the cpu build.
//
//   gemm_nt_f32_bf16   c[M,N] = a[M,K] b[N,K]T (+ bias[N])     y = x wT
//   gemm_nn_f32_bf16   c[M,N] (+)= a[M,K] b[K,N]               dx = dy w
//   gemm_tn_f32_bf16   part[S][M,N] = a[K,M]T b[K,N]           dw = dyT x, the rows in S chunks of fixed length, then split_sum_f32
#include "gpu.cuh"

#if !defined(CUATTR_CPU)

#include "mma_tile.cuh"
#include "params.cuh"

KERNEL_WHOLE(gemm_nt_f32_bf16, GemmParams, MMA_THREADS) {
    const int m0 = blockIdx.x * MMA_M, n0 = blockIdx.y * MMA_N;
    MatrixAlongK<MMA_M> a(p.a, m0, p.m, p.k);
    MatrixAlongK<MMA_N> b(p.b, n0, p.n, p.k);
    MmaAccumulators acc;
    mma_product(acc, a, b, p.k, p.m - m0, p.n - n0);
    store_tile(acc, p.c + (long long)m0 * p.n + n0, p.n, p.bias ? p.bias + n0 : nullptr, p.accumulate != 0, p.m - m0, p.n - n0);
}

KERNEL_WHOLE(gemm_nn_f32_bf16, GemmParams, MMA_THREADS) {
    const int m0 = blockIdx.x * MMA_M, n0 = blockIdx.y * MMA_N;
    MatrixAlongK<MMA_M> a(p.a, m0, p.m, p.k);
    MatrixAcrossK<MMA_N> b(p.b, n0, p.n, p.k);
    MmaAccumulators acc;
    mma_product(acc, a, b, p.k, p.m - m0, p.n - n0);
    store_tile(acc, p.c + (long long)m0 * p.n + n0, p.n, p.bias ? p.bias + n0 : nullptr, p.accumulate != 0, p.m - m0, p.n - n0);
}

KERNEL_WHOLE(gemm_tn_f32_bf16, GemmSplitParams, MMA_THREADS) {
    const int m0 = blockIdx.x * MMA_M, n0 = blockIdx.y * MMA_N, begin = blockIdx.z * p.chunk;
    const int count = p.k - begin < p.chunk ? p.k - begin : p.chunk;
    MatrixAcrossK<MMA_M> a(p.a + (long long)begin * p.m, m0, p.m, count);
    MatrixAcrossK<MMA_N> b(p.b + (long long)begin * p.n, n0, p.n, count);
    MmaAccumulators acc;
    mma_product(acc, a, b, count, p.m - m0, p.n - n0);
    float *part = p.part + (long long)blockIdx.z * p.m * p.n;
    store_tile(acc, part + (long long)m0 * p.n + n0, p.n, nullptr, false, p.m - m0, p.n - n0);
}

#endif
