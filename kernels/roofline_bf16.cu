// What the tensor cores can do at most through mma.sync, measured (see roofline.cu). Not in the cpu build.
//
//   roofline_mma_f32_bf16   independent chains of 16 x 8 x 16 products in registers; FMAs per block = rounds * ROOFLINE_MMA_FMAS_PER_ROUND
#include "gpu.cuh"

#if !defined(CUATTR_CPU)

#include "mma.cuh"

KERNEL_CONSTANT(ROOFLINE_MMA_THREADS, 256);
constexpr int ROOFLINE_MMA_M = 2, ROOFLINE_MMA_N = 4; // as in mma_tile.cuh
KERNEL_CONSTANT(ROOFLINE_MMA_FMAS_PER_ROUND, ROOFLINE_MMA_THREADS / WARP * ROOFLINE_MMA_M * ROOFLINE_MMA_N * (16 * 8 * 16));

struct RooflineMmaParams {
    float *y; // one per thread
    int rounds;
};

KERNEL_WHOLE(roofline_mma_f32_bf16, RooflineMmaParams, ROOFLINE_MMA_THREADS) {
    float c[ROOFLINE_MMA_M][ROOFLINE_MMA_N][4];
    uint32_t a[ROOFLINE_MMA_M][4], b[ROOFLINE_MMA_N][2];
    // Operands of many different bits: power, and with it the clock, depends on how many toggle.
    const float seed = (float)(threadIdx.x * 37 + blockIdx.x % 64) * 1e-4f - 0.5f;
    UNROLL
    for (int i = 0; i < ROOFLINE_MMA_M; i++) UNROLL
    for (int e = 0; e < 4; e++) a[i][e] = bf16x2_(seed + 0.013f * (float)(4 * i + e), 0.7f - seed * (float)(e + 1));
    UNROLL
    for (int j = 0; j < ROOFLINE_MMA_N; j++) UNROLL
    for (int e = 0; e < 2; e++) b[j][e] = bf16x2_(0.3f - seed * (float)(j + 1), seed + 0.017f * (float)(2 * j + e));
    UNROLL
    for (int i = 0; i < ROOFLINE_MMA_M; i++) UNROLL
    for (int j = 0; j < ROOFLINE_MMA_N; j++) UNROLL
    for (int e = 0; e < 4; e++) c[i][j][e] = 0.0f;
    for (int r = 0; r < p.rounds; r++) mma_bf16(c, a, b);
    float sum = 0.0f;
    UNROLL
    for (int i = 0; i < ROOFLINE_MMA_M; i++) UNROLL
    for (int j = 0; j < ROOFLINE_MMA_N; j++) UNROLL
    for (int e = 0; e < 4; e++) sum += c[i][j][e];
    p.y[(long long)blockIdx.x * ROOFLINE_MMA_THREADS + threadIdx.x] = sum;
}

#endif
