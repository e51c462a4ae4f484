// Batch norm over [rows,C], F32, statistics of every channel over all rows (Ioffe and Szegedy 2015).
//
//   batch_norm_stats_f32   part[S][2][C]: mean, and sum of squares about it, of every chunk of rows
//   batch_norm_merge_f32   mean and 1/std of all rows from those of the chunks, and the step of the running statistics
//   batch_norm_eval_f32    1/std from a running variance
//   batch_norm_fwd_f32     y = w (x - mean) / std + b
//   batch_norm_bwd_w_f32   part[S][2][C]: parts of dw and db per chunk of rows               then split_sum_f32
//   batch_norm_bwd_x_f32   dx
//
// Invariants: chunks have a length that depends on nothing; within one the mean is subtracted before squares are summed, down columns in the order of
// columns.cuh; chunks are merged in ascending order (Chan, Golub and LeVeque 1979). Backward recomputes the normalised value.
#include "columns.cuh"
#include "tile.cuh"

constexpr int BATCH_NORM_THREADS = 256;

// a - b, rounded once: the product with -1 is exact.
DEVICE vecf v_sub(vecf a, vecf b) { return v_fma(b, v_set1(-1.0f), a); }

// The chunk and the columns of a block. Grid: x = chunks * tiles of C; the tiles of a chunk follow each other, as in bias_bwd_f32.
struct ColumnTile {
    int chunk, c0, cols, rows;
    long long first; // of the chunk's first value in these columns
};

DEVICE ColumnTile column_tile(long long rows, int c, int chunk_rows) {
    const int tiles = (c + COLUMNS - 1) / COLUMNS, chunk = blockIdx.x / tiles, c0 = blockIdx.x % tiles * COLUMNS;
    const long long begin = (long long)chunk * chunk_rows, left = rows - begin;
    return {chunk, c0, at_most(c - c0, COLUMNS), (int)(left < chunk_rows ? left : chunk_rows), begin * c + c0};
}

struct BatchNormStatsParams {
    const float *x; // [rows,C]
    float *part;    // [chunks,2,C]
    long long rows;
    int c, chunk_rows;
};

KERNEL(batch_norm_stats_f32, BatchNormStatsParams, BATCH_NORM_THREADS) {
    SHARED(float, lane, LANE_SUMS);
    SHARED(float, sum, COLUMNS);
    SHARED(float, mean, COLUMNS);
    const ColumnTile t = column_tile(p.rows, p.c, p.chunk_rows);
    const float *__restrict x = p.x + t.first;
    column_sum<1>(t.rows, t.cols, lane, sum, [&](int r, int c, int n) { return Runs<1>{{v_load_n(x + (long long)r * p.c + c, n)}}; });
    for (int c = threadIdx.x; c < COLUMNS; c += blockDim.x) mean[c] = c < t.cols ? sum[c] / (float)t.rows : 0.0f;
    __syncthreads();
    column_sum<1>(t.rows, t.cols, lane, sum, [&](int r, int c, int n) {
        const vecf d = v_sub(v_load_n(x + (long long)r * p.c + c, n), v_load_aligned(mean + c));
        return Runs<1>{{v_mul(d, d)}};
    });
    float *__restrict part = p.part + (long long)t.chunk * 2 * p.c + t.c0;
    for (int c = threadIdx.x; c < t.cols; c += blockDim.x) {
        part[c] = mean[c];
        part[p.c + c] = sum[c];
    }
}

struct BatchNormMergeParams {
    const float *part;    // [chunks,2,C]
    float *mean;          // [C]
    float *rstd;          // [C]
    float *running_mean;  // [C] or null
    float *running_var;   // [C] or null
    long long *batches;   // [1] or null: counted up
    long long rows;
    int c, chunks, chunk_rows;
    float eps, momentum;
};

KERNEL(batch_norm_merge_f32, BatchNormMergeParams, BATCH_NORM_THREADS) {
    each_element(p.c, [=](long long c) {
        float mean = p.part[c], squares = p.part[p.c + c];
        for (int i = 1; i < p.chunks; i++) {
            const float *part = p.part + (long long)i * 2 * p.c + c;
            const long long before = (long long)i * p.chunk_rows, left = p.rows - before;
            const float rows = (float)(left < p.chunk_rows ? left : p.chunk_rows), all = (float)before + rows;
            const float delta = part[0] - mean, weight = rows / all;
            mean = fma_(delta, weight, mean);
            squares = squares + fma_(delta * delta, (float)before * weight, part[p.c]);
        }
        p.mean[c] = mean;
        p.rstd[c] = 1.0f / sqrt_(squares / (float)p.rows + p.eps);
        if (p.running_mean) {
            p.running_mean[c] = fma_(p.momentum, mean - p.running_mean[c], p.running_mean[c]);
            p.running_var[c] = fma_(p.momentum, squares / (float)(p.rows - 1) - p.running_var[c], p.running_var[c]);
        }
    });
    if (p.batches && blockIdx.x == 0 && threadIdx.x == 0) *p.batches += 1;
}

struct BatchNormEvalParams {
    const float *var; // [C]
    float *rstd;      // [C]
    int c;
    float eps;
};

KERNEL(batch_norm_eval_f32, BatchNormEvalParams, BATCH_NORM_THREADS) {
    each_element(p.c, [=](long long c) { p.rstd[c] = 1.0f / sqrt_(p.var[c] + p.eps); });
}

struct BatchNormForwardParams {
    const float *x;    // [rows,C]
    const float *w;    // [C]
    const float *b;    // [C]
    const float *mean; // [C]
    const float *rstd; // [C]
    float *y;          // [rows,C]
    long long rows;
    int c, rows_per_block;
};

KERNEL(batch_norm_fwd_f32, BatchNormForwardParams, BATCH_NORM_THREADS) {
    const long long first = (long long)blockIdx.x * p.rows_per_block * p.c;
    const float *__restrict x = p.x + first;
    float *__restrict y = p.y + first;
    each_cell(rows_here(p.rows, p.rows_per_block), p.c, [=](int r, int c) {
        const long long i = (long long)r * p.c + c;
        y[i] = fma_((x[i] - p.mean[c]) * p.rstd[c], p.w[c], p.b[c]);
    });
}

struct BatchNormBackwardWParams {
    const float *x;    // [rows,C]
    const float *dy;   // [rows,C]
    const float *mean; // [C]
    const float *rstd; // [C]
    float *part;       // [chunks,2,C]
    long long rows;
    int c, chunk_rows;
};

// dw = sum of dy xhat, db = sum of dy.
KERNEL(batch_norm_bwd_w_f32, BatchNormBackwardWParams, BATCH_NORM_THREADS) {
    SHARED(float, lane, 2 * LANE_SUMS);
    SHARED(float, sum, 2 * COLUMNS);
    SHARED(float, mean, COLUMNS);
    SHARED(float, rstd, COLUMNS);
    const ColumnTile t = column_tile(p.rows, p.c, p.chunk_rows);
    const float *__restrict x = p.x + t.first;
    const float *__restrict dy = p.dy + t.first;
    for (int c = threadIdx.x; c < COLUMNS; c += blockDim.x) {
        mean[c] = c < t.cols ? p.mean[t.c0 + c] : 0.0f;
        rstd[c] = c < t.cols ? p.rstd[t.c0 + c] : 0.0f;
    }
    __syncthreads();
    column_sum<2>(t.rows, t.cols, lane, sum, [&](int r, int c, int n) {
        const long long i = (long long)r * p.c + c;
        const vecf g = v_load_n(dy + i, n);
        const vecf normal = v_mul(v_sub(v_load_n(x + i, n), v_load_aligned(mean + c)), v_load_aligned(rstd + c));
        return Runs<2>{{v_mul(g, normal), g}};
    });
    float *__restrict part = p.part + (long long)t.chunk * 2 * p.c + t.c0;
    for (int c = threadIdx.x; c < t.cols; c += blockDim.x) {
        part[c] = sum[c];
        part[p.c + c] = sum[COLUMNS + c];
    }
}

struct BatchNormBackwardXParams {
    const float *x;    // [rows,C]
    const float *dy;   // [rows,C]
    const float *w;    // [C]
    const float *mean; // [C]
    const float *rstd; // [C]
    const float *sums; // [2,C]: dw and db of this batch; null where the statistics are not of this batch
    float *dx;         // [rows,C]
    long long rows;
    int c, rows_per_block, accumulate;
};

// dx = w rstd (dy - db / rows - xhat dw / rows); w rstd dy where mean and rstd do not depend on x.
KERNEL(batch_norm_bwd_x_f32, BatchNormBackwardXParams, BATCH_NORM_THREADS) {
    const long long first = (long long)blockIdx.x * p.rows_per_block * p.c;
    const int rows = rows_here(p.rows, p.rows_per_block);
    const float *__restrict x = p.x + first;
    const float *__restrict dy = p.dy + first;
    float *__restrict dx = p.dx + first;
    const float share = 1.0f / (float)p.rows;
    if (p.sums)
        each_cell(rows, p.c, [=](int r, int c) {
            const long long i = (long long)r * p.c + c;
            const float normal = (x[i] - p.mean[c]) * p.rstd[c];
            const float g = dy[i] - p.sums[p.c + c] * share - normal * (p.sums[c] * share);
            put(dx[i], p.w[c] * p.rstd[c] * g, p.accumulate);
        });
    else
        each_cell(rows, p.c, [=](int r, int c) {
            const long long i = (long long)r * p.c + c;
            put(dx[i], p.w[c] * p.rstd[c] * dy[i], p.accumulate);
        });
}
