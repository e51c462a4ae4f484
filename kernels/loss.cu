// Losses, F32.
//
//   mse_part_fwd_f32    part[i] = sum over chunk i of (prediction - target)^2
//   mse_fwd_f32         loss[0] = sum of parts / n
//   mse_bwd_f32         dprediction (+)= 2/n (prediction - target) dloss[0]
//
// The incoming gradient is read on the device. Both sums have 256 virtual lanes (reduce.cuh) over chunks of a fixed length.
#include "reduce.cuh"
#include "tile.cuh"

struct MsePartParams {
    const float *prediction; // [n]
    const float *target;     // [n]
    float *part;             // [ceil(n / CHUNK)]
    long long n;
};

KERNEL(mse_part_fwd_f32, MsePartParams, 256) {
    const long long begin = (long long)blockIdx.x * CHUNK;
    const int count = rows_here(p.n, CHUNK);
    const float *__restrict prediction = p.prediction + begin;
    const float *__restrict target = p.target + begin;
    const float sum = block_sum<256>(count, [&](int i) {
        const float d = prediction[i] - target[i];
        return d * d;
    });
    if (threadIdx.x == 0) p.part[blockIdx.x] = sum;
}

struct MseParams {
    const float *part; // [parts]
    float *loss;       // [1]
    long long n;
    int parts;
};

KERNEL(mse_fwd_f32, MseParams, 256) {
    const float *__restrict part = p.part;
    const float sum = block_sum<256>(p.parts, [&](int i) { return part[i]; });
    if (threadIdx.x == 0) p.loss[0] = sum / (float)p.n;
}

struct MseBackwardParams {
    const float *prediction; // [n]
    const float *target;     // [n]
    const float *dloss;      // [1]
    float *dprediction;      // [n]
    long long n;
    int accumulate;
};

KERNEL(mse_bwd_f32, MseBackwardParams, 256) {
    const float *__restrict prediction = p.prediction;
    const float *__restrict target = p.target;
    float *__restrict dprediction = p.dprediction;
    const float factor = 2.0f * p.dloss[0] / (float)p.n;
    each_element(p.n, [&](long long i) { put(dprediction[i], factor * (prediction[i] - target[i]), p.accumulate); });
}
