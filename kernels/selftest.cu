// Kernels that exist for the proof only: they are linked into test libraries, never into a product.
#include "gpu.cuh"
#include "math.cuh"
#include "reduce.cuh"

struct SelftestMapParams {
    const float *x;
    float *y;
    long long n;
};

KERNEL(selftest_exp_f32, SelftestMapParams, 256) {
    constexpr int portion = 4096;
    const long long first = (long long)blockIdx.x * portion;
    const int count = (int)(p.n - first < portion ? p.n - first : portion);
    const float *x = p.x + first;
    float *y = p.y + first;
    for (int i = threadIdx.x; i < count; i += blockDim.x) y[i] = exp_(x[i]);
}

struct SelftestSumParams {
    const float *x;
    float *y;
    int n;
};

KERNEL(selftest_sum_f32, SelftestSumParams, 256) {
    const float sum = block_sum<256>(p.n, [&](int i) { return p.x[i]; });
    const float largest = block_max<32>(p.n, [&](int i) { return p.x[i]; });
    if (threadIdx.x == 0) {
        p.y[0] = sum;
        p.y[1] = largest;
    }
}
