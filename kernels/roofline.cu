// What the device can do at most, measured: the denominators of `cudattr bench`.
//
//   roofline_fma_f32    independent chains of fused multiply-adds in registers; FMAs per block = rounds * ROOFLINE_FMAS_PER_ROUND
//   roofline_copy_f32   y = x, contiguous, ROOFLINE_COPY_BLOCK floats a block
#include "gpu.cuh"

// Chains in flight: latency times issue width of every target stays below (Zen 4 cycles x 2, a GPU hides it by warps as well).
constexpr int ROOFLINE_CHAINS = 12;
constexpr int ROOFLINE_THREADS = 256;
// Lanes that a block advances per step: the one-thread build has one vector, a device block one per thread.
KERNEL_CONSTANT(ROOFLINE_FMAS_PER_ROUND, ROOFLINE_CHAINS * 3072);

struct RooflineFmaParams {
    float* y; // one per block
    int rounds;
};

KERNEL(roofline_fma_f32, RooflineFmaParams, ROOFLINE_THREADS) {
    constexpr int STEPS = ROOFLINE_FMAS_PER_ROUND / (ROOFLINE_CHAINS * VECF_LANES * (ONE_THREAD ? 1 : ROOFLINE_THREADS));
    static_assert(STEPS >= 1, "a round is at least one step of the block");
    vecf chain[ROOFLINE_CHAINS], factor = v_set1(0.999f), term = v_set1(1e-3f);
    UNROLL
    for (int c = 0; c < ROOFLINE_CHAINS; c++) chain[c] = v_set1((float)c);
    for (int r = 0; r < p.rounds; r++)
        for (int s = 0; s < STEPS; s++) {
            UNROLL
            for (int c = 0; c < ROOFLINE_CHAINS; c++) chain[c] = v_fma(chain[c], factor, term);
        }
    vecf sum = v_zero();
    UNROLL
    for (int c = 0; c < ROOFLINE_CHAINS; c++) sum = v_add(sum, chain[c]);
    if (threadIdx.x == 0) v_store_n(p.y + blockIdx.x, sum, 1);
}

struct RooflineCopyParams {
    const float* x;
    float* y;
};

KERNEL_CONSTANT(ROOFLINE_COPY_BLOCK, 16384);

KERNEL(roofline_copy_f32, RooflineCopyParams, ROOFLINE_THREADS) {
    const float* __restrict x = p.x + (long long)blockIdx.x * ROOFLINE_COPY_BLOCK;
    float* __restrict y = p.y + (long long)blockIdx.x * ROOFLINE_COPY_BLOCK;
    for (int i = threadIdx.x; i < ROOFLINE_COPY_BLOCK; i += blockDim.x) y[i] = x[i];
}
