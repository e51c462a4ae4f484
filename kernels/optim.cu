// Optimiser steps over one flat F32 array of parameters.
//
//   grad_norm_partial_f32   per CHUNK of g: the exponent of its largest element and the sum of squares relative to it
//   grad_norm_f32           result = (||g||, clip factor min(1, max_norm / (||g|| + 1e-6)))
//   adamw_step_f32          one AdamW step in place, the gradient times the clip factor
//   ema_step_f32            average += (1 - decay) (value - average)
//
// The norm over- or underflows only where its value does: squares are taken relative to a power of two, which is exact. NaN and
// infinity in g come out as such.
#include "reduce.cuh"
#include "tile.cuh"

struct GradNormPartialParams {
    const float *g;
    float *partial; // [blocks,2]: exponent field 1 .. 254, sum of (g * 2^(128 - exponent))^2
    long long n;
};

KERNEL(grad_norm_partial_f32, GradNormPartialParams, 256) {
    const long long begin = (long long)blockIdx.x * CHUNK;
    const int n = (int)(p.n - begin < CHUNK ? p.n - begin : CHUNK);
    const float *g = p.g + begin;
    const float largest = block_max<256>(n, [=](int i) { return abs_(g[i]); });
    // Zeros and subnormal numbers count as the smallest normal ones, NaN and infinity as the largest.
    uint32_t exponent = (ubits_(largest) & 0x7fffffffu) >> 23;
    exponent = exponent < 1u ? 1u : exponent > 254u ? 254u : exponent;
    const float scale = bits_((255u - exponent) << 23);
    const float sum = block_sum<256>(n, [=](int i) {
        const float x = g[i] * scale;
        return x * x;
    });
    if (threadIdx.x == 0) {
        p.partial[2LL * blockIdx.x] = (float)exponent;
        p.partial[2LL * blockIdx.x + 1] = sum;
    }
}

struct GradNormParams {
    const float *partial; // [blocks,2]
    float *result;        // [2]
    int blocks;
    float max_norm;
};

KERNEL(grad_norm_f32, GradNormParams, 1024) {
    const float *partial = p.partial;
    const float largest = block_max<1024>(p.blocks, [=](int b) { return partial[2LL * b]; });
    const int exponent = (int)largest;
    const float sum = block_sum<1024>(p.blocks, [=](int b) {
        const int below = exponent - (int)partial[2LL * b];
        return below > 63 ? 0.0f : partial[2LL * b + 1] * bits_((uint32_t)(127 - 2 * below) << 23);
    });
    if (threadIdx.x == 0) {
        const float norm = 0.5f * sqrt_(sum) * bits_((uint32_t)exponent << 23);
        p.result[0] = norm;
        p.result[1] = min_(1.0f, p.max_norm / (norm + 1e-6f));
    }
}

struct AdamwStepParams {
    float *value;
    const float *gradient;
    float *m;
    float *v;
    const float *norm; // [2] of grad_norm_f32, or null: no clipping
    long long n;
    float keep;    // 1 - learning rate * weight decay
    float step;    // learning rate / (1 - beta1^t)
    float weight1; // 1 - beta1
    float beta2;
    float weight2; // 1 - beta2
    float root;    // 1 / sqrt(1 - beta2^t)
    float epsilon;
};

KERNEL(adamw_step_f32, AdamwStepParams, 256) {
    const float clip = p.norm ? p.norm[1] : 1.0f;
    each_element(p.n, [=](long long i) {
        const float g = p.gradient[i] * clip;
        const float m = fma_(p.weight1, g - p.m[i], p.m[i]);
        const float v = fma_(p.beta2, p.v[i], p.weight2 * g * g);
        p.m[i] = m;
        p.v[i] = v;
        p.value[i] = fma_(p.keep, p.value[i], -(p.step * m / fma_(sqrt_(v), p.root, p.epsilon)));
    });
}

struct EmaStepParams {
    float *average;
    const float *value;
    long long n;
    float weight; // 1 - decay
};

KERNEL(ema_step_f32, EmaStepParams, 256) {
    each_element(p.n, [=](long long i) { p.average[i] = fma_(p.weight, p.value[i] - p.average[i], p.average[i]); });
}
