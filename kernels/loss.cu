// Losses, F32.
//
//   mse_part_fwd_f32        part[i] = sum over chunk i of (prediction - target)^2
//   mse_fwd_f32             loss[0] = sum of parts / n
//   mse_bwd_f32             dprediction (+)= 2/n (prediction - target) dloss[0]
//   cross_entropy_fwd_f32   part[r] = lse[r] - x[r,label[r]] with lse[r] = log(sum over c of exp(x[r,c])); mse_fwd_f32 takes their mean
//   cross_entropy_bwd_f32   dx[r,c] (+)= (exp(x[r,c] - lse[r]) - [c = label[r]]) dloss[0] / rows
//   binary_cross_entropy_part_f32  part[i] = sum over chunk i of max(x, 0) - x target + log(1 + exp(-|x|)); mse_fwd_f32 takes their mean
//   binary_cross_entropy_bwd_f32   dx (+)= (sigmoid(x) - target) dloss[0] / n
//   contrastive_fwd_f32     part[r] = a row's terms of the loss over similarities; mse_fwd_f32 takes their mean
//   contrastive_bwd_f32     ds[r,c] (+)= its gradient times dloss[0]
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

// ---- contrastive loss over similarities s[r,c] of views, views of one picture having one group
//
// With the negatives Q(r) = {c of another group}, the positives P(r) = {c != r of the same group} and e(c) = exp((s[r,c] - 1) / t):
//   part[r] = sum over c in P(r) of -log(e(c) / (e(c) + rest[r])) - spread/2 log max(2 - 2 max over Q(r) of s[r,c], 1e-6)
//   rest[r] = sum over Q(r) of e(c) + 1e-6 exp(-1 / t)
// Both sides of the fraction are scaled by exp(-1 / t), which keeps them in range for s <= 1. A row without negatives makes the loss infinite.

struct ContrastiveShape {
    int rows;
    float temperature, spread;
};

struct ContrastiveParams {
    const float *s;    // [rows,rows]
    const int *groups; // [rows]
    float *part;       // [rows]
    float *rest;       // [rows]
    float *pull;       // [rows]: sum over P(r) of 1 / (e(c) + rest[r])
    int *nearest;      // [rows]: the first of the nearest negatives; -1 where the spread has no gradient
    ContrastiveShape shape;
};

constexpr float SMALLEST_GAP = 1e-6f; // of a positive's share, and of a squared distance

DEVICE float scaled_exp(float similarity, float temperature) { return exp_((similarity - 1.0f) / temperature); }

// A block per row.
KERNEL(contrastive_fwd_f32, ContrastiveParams, 256) {
    const int rows = p.shape.rows, row = blockIdx.x, group = p.groups[row];
    const float t = p.shape.temperature;
    const float *__restrict s = p.s + (long long)row * rows;
    const int *__restrict groups = p.groups;
    const float negatives = block_sum<256>(rows, [&](int c) { return groups[c] == group ? 0.0f : scaled_exp(s[c], t); });
    const float rest = negatives + SMALLEST_GAP * exp_(-1.0f / t);
    auto positive = [&](int c) { return groups[c] == group && c != row; };
    const float pull = block_sum<256>(rows, [&](int c) { return positive(c) ? 1.0f / (scaled_exp(s[c], t) + rest) : 0.0f; });
    const float loss = block_sum<256>(rows, [&](int c) { return positive(c) ? log_(scaled_exp(s[c], t) + rest) - (s[c] - 1.0f) / t : 0.0f; });
    const float top = block_max<256>(rows, [&](int c) { return groups[c] == group ? -__builtin_inff() : s[c]; });
    // Negated, the smallest number is the largest; F32 has every number of a row.
    const float first = block_max<256>(rows, [&](int c) { return groups[c] != group && s[c] == top ? -(float)c : -__builtin_inff(); });
    if (threadIdx.x == 0) {
        const float gap = 2.0f - 2.0f * top;
        p.part[row] = loss - 0.5f * p.shape.spread * log_(gap < SMALLEST_GAP ? SMALLEST_GAP : gap);
        p.rest[row] = rest;
        p.pull[row] = pull;
        p.nearest[row] = gap > SMALLEST_GAP && first <= 0.0f && first > -__builtin_inff() ? (int)-first : -1;
    }
}

struct ContrastiveBackwardParams {
    const float *s;     // [rows,rows]
    const int *groups;  // [rows]
    const float *rest;  // [rows]
    const float *pull;  // [rows]
    const int *nearest; // [rows]
    const float *dloss; // [1]
    float *ds;          // [rows,rows]
    ContrastiveShape shape;
    int rows_per_block, accumulate;
};

KERNEL(contrastive_bwd_f32, ContrastiveBackwardParams, 256) {
    const ContrastiveShape shape = p.shape;
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    const float factor = p.dloss[0] / (float)shape.rows;
    const float *s = p.s + first * shape.rows;
    float *ds = p.ds + first * shape.rows;
    const int *groups = p.groups;
    each_cell(rows_here(shape.rows, p.rows_per_block), shape.rows, [=](int r, int c) {
        const long long i = (long long)r * shape.rows + c, row = first + r;
        const float e = scaled_exp(s[i], shape.temperature), rest = p.rest[row];
        float d;
        if (groups[c] != groups[row]) d = e * p.pull[row] / shape.temperature;
        else d = c == row ? 0.0f : -rest / (e + rest) / shape.temperature;
        if (c == p.nearest[row]) d += shape.spread / (2.0f - 2.0f * s[i]);
        put(ds[i], factor * d, p.accumulate);
    });
}
