// Losses, F32.
//
//   mse_part_fwd_f32        part[i] = sum over chunk i of (prediction - target)^2
//   mse_fwd_f32             loss[0] = sum of parts / n
//   mse_bwd_f32             dprediction (+)= 2/n (prediction - target) dloss[0]
//   cross_entropy_fwd_f32   part[r] = lse[r] - x[r,label[r]] with lse[r] = log(sum over c of exp(x[r,c])); mse_fwd_f32 takes their mean
//   cross_entropy_bwd_f32   dx[r,c] (+)= (exp(x[r,c] - lse[r]) - [c = label[r]]) dloss[0] / rows
//   binary_cross_entropy_part_f32  part[i] = sum over chunk i of max(x, 0) - x target + log(1 + exp(-|x|)); mse_fwd_f32 takes their mean
//   binary_cross_entropy_bwd_f32   dx (+)= (sigmoid(x) - target) dloss[0] / n
//
// A label outside 0 .. C-1 makes the loss NaN, so that it cannot pass unnoticed. The incoming gradient is read on the device. Sums over chunks have
// 256 virtual lanes (reduce.cuh), chunks a fixed length.
#include "math.cuh"
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

// ---- cross-entropy

struct CrossEntropyParams {
    const float *x;    // [rows,C]
    const int *labels; // [rows]
    float *part;       // [rows]
    float *lse;        // [rows]
    int rows, c, rows_per_block;
};

KERNEL_CONSTANT(CROSS_ENTROPY_ROWS, 32); // most rows of a block

KERNEL(cross_entropy_fwd_f32, CrossEntropyParams, 256) {
    SHARED(float, top, CROSS_ENTROPY_ROWS);
    SHARED(float, sum, CROSS_ENTROPY_ROWS);
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    const int rows = rows_here(p.rows, p.rows_per_block);
    const float *__restrict x = p.x + first * p.c;
    const int *labels = p.labels + first;
    row_max<CROSS_ENTROPY_ROWS>(
        rows, p.c, [&](int r, int c) { return x[(long long)r * p.c + c]; }, top);
    row_sum<CROSS_ENTROPY_ROWS>(
        rows, p.c, [&](int r, int c) { return exp_(x[(long long)r * p.c + c] - top[r]); }, sum);
    each_in(rows, [&](int r) {
        const int label = labels[r];
        const bool known = label >= 0 && label < p.c;
        const float log_sum = log_(sum[r]);
        p.part[first + r] = known ? log_sum + (top[r] - x[(long long)r * p.c + label]) : bits_(0x7fc00000u);
        p.lse[first + r] = log_sum + top[r];
    });
}

struct CrossEntropyBackwardParams {
    const float *x;     // [rows,C]
    const int *labels;  // [rows]
    const float *lse;   // [rows]
    const float *dloss; // [1]
    float *dx;          // [rows,C]
    int rows, c, rows_per_block, accumulate;
};

KERNEL(cross_entropy_bwd_f32, CrossEntropyBackwardParams, 256) {
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    const float *__restrict x = p.x + first * p.c;
    const int *labels = p.labels + first;
    const float *lse = p.lse + first;
    float *__restrict dx = p.dx + first * p.c;
    const float factor = p.dloss[0] / (float)p.rows;
    each_cell(rows_here(p.rows, p.rows_per_block), p.c, [=](int r, int c) {
        const long long i = (long long)r * p.c + c;
        put(dx[i], factor * (exp_(x[i] - lse[r]) - (c == labels[r] ? 1.0f : 0.0f)), p.accumulate);
    });
}

// ---- binary cross-entropy of logits

struct BinaryPartParams {
    const float *x;      // [n]
    const float *target; // [n]
    float *part;         // [ceil(n / CHUNK)]
    long long n;
};

KERNEL(binary_cross_entropy_part_f32, BinaryPartParams, 256) {
    const long long begin = (long long)blockIdx.x * CHUNK;
    const int count = rows_here(p.n, CHUNK);
    const float *__restrict x = p.x + begin;
    const float *__restrict target = p.target + begin;
    const float sum = block_sum<256>(count, [&](int i) {
        const float v = x[i];
        return (v < 0.0f ? 0.0f : v) - v * target[i] + log_(1.0f + exp_(-abs_(v)));
    });
    if (threadIdx.x == 0) p.part[blockIdx.x] = sum;
}

struct BinaryBackwardParams {
    const float *x;      // [n]
    const float *target; // [n]
    const float *dloss;  // [1]
    float *dx;           // [n]
    long long n;
    int accumulate;
};

KERNEL(binary_cross_entropy_bwd_f32, BinaryBackwardParams, 256) {
    const float *__restrict x = p.x;
    const float *__restrict target = p.target;
    float *__restrict dx = p.dx;
    const float factor = p.dloss[0] / (float)p.n;
    each_element(p.n, [&](long long i) { put(dx[i], factor * (sigmoid_(x[i]) - target[i]), p.accumulate); });
}
