// Group norm (optionally followed by SiLU), layer norm and rows of unit length, F32, forward and backward.
//
//   group_norm_fwd_f32, group_norm_silu_fwd_f32    y, mean and 1/std per sample and group; a block per sample and slab of channels
//   group_norm_bwd_f32, group_norm_silu_bwd_f32    dx, and per sample the parts of dw and db
//   layer_norm_fwd_f32                             y, mean and 1/std per row; a block per RowsPerBlock rows
//   layer_norm_bwd_x_f32                           dx
//   layer_norm_bwd_w_f32                           parts of dw and db per chunk of rows
//   norm_bwd_w_f32                                 dw (+)= sum of parts, db likewise, in ascending order
//   unit_norm_fwd_f32                              y = x / max(|x|, eps) and |x| per row
//   unit_norm_bwd_f32                              dx = (dy - y <y, dy>) / |x|; dy / eps where |x| < eps
//
// x is [N,HW,C] for group norm and [rows,C] for layer norm. A slab is whole groups of neighbouring channels, about 32 channels, so that a row
// of it is contiguous.
//
// Invariants: the mean is subtracted before squares are summed (two passes), statistics and sums are F32; sums down columns are those of
// columns.cuh, sums along rows those of reduce.cuh; what backward saves is mean and 1/std, the normalised value is recomputed.
#include "columns.cuh"
#include "math.cuh"
#include "reduce.cuh"
#include "tile.cuh"

constexpr int NORM_THREADS = 256;
KERNEL_CONSTANT(SLAB_GROUPS, 32);

// f of every lane of x.
template <class F> DEVICE vecf v_map(vecf x, F f) {
    alignas(64) float value[VECF_LANES];
    v_store_aligned(value, x);
    for (int l = 0; l < VECF_LANES; l++) value[l] = f(value[l]);
    return v_load_aligned(value);
}

// a - b, rounded once: the product with -1 is exact.
DEVICE vecf v_sub(vecf a, vecf b) { return v_fma(b, v_set1(-1.0f), a); }

// ---- group norm

struct GroupShape {
    int hw, c, group_channels, slab_channels; // slab_channels is a multiple of group_channels, at most SLAB_GROUPS groups
    float eps;
};

struct GroupNormForwardParams {
    const float *x; // [N,HW,C]
    const float *w; // [C]
    const float *b; // [C]
    float *y;       // [N,HW,C]
    float *mean;    // [N,groups]
    float *rstd;    // [N,groups]
    GroupShape shape;
};

// The channels of one block.
struct Slab {
    int first, channels; // of C
    int group;           // first group
};

DEVICE Slab slab_of_block(const GroupShape &s) {
    const int first = blockIdx.x * s.slab_channels;
    return {first, at_most(s.c - first, s.slab_channels), first / s.group_channels};
}

// sum[g] += sum over the channels of group g within c0 .. c0+cols of the slab of value(c - c0), in ascending order.
template <class F> DEVICE void add_to_groups(const GroupShape &s, const Slab &slab, int c0, int cols, float *sum, F value) {
    for (int g = threadIdx.x; g < slab.channels / s.group_channels; g += blockDim.x) {
        const int begin = g * s.group_channels, end = begin + s.group_channels;
        float total = sum[g];
        for (int c = begin > c0 ? begin : c0; c < end && c < c0 + cols; c++) total += value(c - c0);
        sum[g] = total;
    }
}

template <bool SILU> DEVICE void group_norm_forward(const GroupNormForwardParams &p) {
    SHARED(float, lane, LANE_SUMS);
    SHARED(float, column, COLUMNS);
    SHARED(float, mean, SLAB_GROUPS);
    SHARED(float, rstd, SLAB_GROUPS);
    SHARED(float, column_mean, COLUMNS);
    SHARED(float, column_rstd, COLUMNS);
    const GroupShape s = p.shape;
    const Slab slab = slab_of_block(s);
    const int groups = slab.channels / s.group_channels;
    const long long n = blockIdx.y, own = n * s.hw * s.c + slab.first;
    const float *__restrict x = p.x + own;
    float *__restrict y = p.y + own;
    const float elements = (float)s.hw * (float)s.group_channels;

    for (int g = threadIdx.x; g < SLAB_GROUPS; g += blockDim.x) mean[g] = 0.0f, rstd[g] = 0.0f;
    __syncthreads();
    for (int c0 = 0; c0 < slab.channels; c0 += COLUMNS) {
        const int cols = at_most(slab.channels - c0, COLUMNS);
        column_sum<1>(s.hw, cols, lane, column, [&](int r, int c, int count) { return Runs<1>{{v_load_n(x + (long long)r * s.c + c0 + c, count)}}; });
        add_to_groups(s, slab, c0, cols, mean, [&](int c) { return column[c]; });
        __syncthreads();
    }
    for (int g = threadIdx.x; g < groups; g += blockDim.x) mean[g] = mean[g] / elements;
    __syncthreads();
    for (int c0 = 0; c0 < slab.channels; c0 += COLUMNS) {
        const int cols = at_most(slab.channels - c0, COLUMNS);
        for (int c = threadIdx.x; c < COLUMNS; c += blockDim.x) column_mean[c] = c < cols ? mean[(c0 + c) / s.group_channels] : 0.0f;
        __syncthreads();
        column_sum<1>(s.hw, cols, lane, column, [&](int r, int c, int count) {
            vecf d = v_sub(v_load_n(x + (long long)r * s.c + c0 + c, count), v_load_aligned(column_mean + c));
            return Runs<1>{{v_mul(d, d)}};
        });
        add_to_groups(s, slab, c0, cols, rstd, [&](int c) { return column[c]; });
        __syncthreads();
    }
    for (int g = threadIdx.x; g < groups; g += blockDim.x) {
        rstd[g] = 1.0f / sqrt_(rstd[g] / elements + s.eps);
        p.mean[n * (s.c / s.group_channels) + slab.group + g] = mean[g];
        p.rstd[n * (s.c / s.group_channels) + slab.group + g] = rstd[g];
    }
    __syncthreads();
    for (int c0 = 0; c0 < slab.channels; c0 += COLUMNS) {
        const int cols = at_most(slab.channels - c0, COLUMNS);
        for (int c = threadIdx.x; c < cols; c += blockDim.x) {
            column_mean[c] = mean[(c0 + c) / s.group_channels];
            column_rstd[c] = rstd[(c0 + c) / s.group_channels];
        }
        __syncthreads();
        const float *__restrict w = p.w + slab.first + c0;
        const float *__restrict b = p.b + slab.first + c0;
        each_run(s.hw, cols, [&](int r, int c, int count) {
            const long long i = (long long)r * s.c + c0 + c;
            vecf normal = v_mul(v_sub(v_load_n(x + i, count), v_load_aligned(column_mean + c)), v_load_aligned(column_rstd + c));
            vecf value = v_fma(normal, v_load_n(w + c, count), v_load_n(b + c, count));
            if (SILU) value = v_mul(value, v_map(value, [](float v) { return sigmoid_(v); }));
            v_store_n(y + i, value, count);
        });
        __syncthreads();
    }
}

KERNEL(group_norm_fwd_f32, GroupNormForwardParams, NORM_THREADS) { group_norm_forward<false>(p); }
KERNEL(group_norm_silu_fwd_f32, GroupNormForwardParams, NORM_THREADS) { group_norm_forward<true>(p); }

struct GroupNormBackwardParams {
    const float *x;    // [N,HW,C]
    const float *dy;   // [N,HW,C]
    const float *w;    // [C]
    const float *b;    // [C]
    const float *mean; // [N,groups]
    const float *rstd; // [N,groups]
    float *dx;         // [N,HW,C] or null
    float *part;       // [N,2,C]: parts of dw, then of db; or null
    GroupShape shape;
    int accumulate;
};

// With v = w xhat + b and g = dy (through SiLU if there is one): db = sum g, dw = sum g xhat, and per group of m elements
// dx = rstd (w g - mean(w g) - xhat mean(w g xhat)), where both means follow from the column sums of g and g xhat.
template <bool SILU> DEVICE void group_norm_backward(const GroupNormBackwardParams &p) {
    SHARED(float, lane, 2 * LANE_SUMS);
    SHARED(float, column, 2 * COLUMNS);
    SHARED(float, mean_g, SLAB_GROUPS);  // mean of w g
    SHARED(float, mean_gx, SLAB_GROUPS); // mean of w g xhat
    SHARED(float, column_mean, COLUMNS);
    SHARED(float, column_rstd, COLUMNS);
    SHARED(float, column_mean_g, COLUMNS);
    SHARED(float, column_mean_gx, COLUMNS);
    const GroupShape s = p.shape;
    const Slab slab = slab_of_block(s);
    const long long n = blockIdx.y, own = n * s.hw * s.c + slab.first;
    const float *__restrict x = p.x + own;
    const float *__restrict dy = p.dy + own;
    float *__restrict dx = p.dx ? p.dx + own : nullptr;
    const float *mean = p.mean + n * (s.c / s.group_channels) + slab.group;
    const float *rstd = p.rstd + n * (s.c / s.group_channels) + slab.group;
    const float elements = (float)s.hw * (float)s.group_channels;
    const float *w = p.w + slab.first;
    const float *b = p.b + slab.first;

    const bool keep = SILU && dx && !p.accumulate; // g waits in dx for the second pass, which otherwise computes it again

    auto normalised = [&](long long i, int c, int count) {
        return v_mul(v_sub(v_load_n(x + i, count), v_load_aligned(column_mean + c)), v_load_aligned(column_rstd + c));
    };
    auto gradient = [&](long long i, vecf normal, int column_of_slab, int count) {
        vecf g = v_load_n(dy + i, count);
        if (SILU) {
            vecf v = v_fma(normal, v_load_n(w + column_of_slab, count), v_load_n(b + column_of_slab, count));
            vecf sigmoid = v_map(v, [](float value) { return sigmoid_(value); });
            // d/dv (v sigmoid(v)) = sigmoid + v sigmoid (1 - sigmoid)
            g = v_mul(g, v_fma(v_mul(v, sigmoid), v_sub(v_set1(1.0f), sigmoid), sigmoid));
        }
        return g;
    };

    for (int g = threadIdx.x; g < SLAB_GROUPS; g += blockDim.x) mean_g[g] = 0.0f, mean_gx[g] = 0.0f;
    for (int c0 = 0; c0 < slab.channels; c0 += COLUMNS) {
        const int cols = at_most(slab.channels - c0, COLUMNS);
        for (int c = threadIdx.x; c < COLUMNS; c += blockDim.x) {
            const int g = (c0 + at_most(c, cols - 1)) / s.group_channels;
            column_mean[c] = mean[g], column_rstd[c] = rstd[g];
        }
        __syncthreads();
        column_sum<2>(s.hw, cols, lane, column, [&](int r, int c, int count) {
            const long long i = (long long)r * s.c + c0 + c;
            const vecf normal = normalised(i, c, count), g = gradient(i, normal, c0 + c, count);
            if (keep) v_store_n(dx + i, g, count);
            return Runs<2>{{v_mul(normal, g), g}};
        });
        if (p.part)
            for (int c = threadIdx.x; c < cols; c += blockDim.x) {
                p.part[(2 * n) * s.c + slab.first + c0 + c] = column[c];
                p.part[(2 * n + 1) * s.c + slab.first + c0 + c] = column[COLUMNS + c];
            }
        add_to_groups(s, slab, c0, cols, mean_gx, [&](int c) { return w[c0 + c] * column[c]; });
        add_to_groups(s, slab, c0, cols, mean_g, [&](int c) { return w[c0 + c] * column[COLUMNS + c]; });
        __syncthreads();
    }
    if (!dx) return;
    for (int c0 = 0; c0 < slab.channels; c0 += COLUMNS) {
        const int cols = at_most(slab.channels - c0, COLUMNS);
        for (int c = threadIdx.x; c < COLUMNS; c += blockDim.x) {
            const int g = (c0 + at_most(c, cols - 1)) / s.group_channels;
            column_mean[c] = mean[g], column_rstd[c] = rstd[g];
            column_mean_g[c] = mean_g[g] / elements, column_mean_gx[c] = mean_gx[g] / elements;
        }
        __syncthreads();
        each_run(s.hw, cols, [&](int r, int c, int count) {
            const long long i = (long long)r * s.c + c0 + c;
            const vecf normal = normalised(i, c, count), g = keep ? v_load_n(dx + i, count) : gradient(i, normal, c0 + c, count);
            vecf d = v_sub(v_mul(g, v_load_n(w + c0 + c, count)), v_load_aligned(column_mean_g + c));
            d = v_mul(v_sub(d, v_mul(normal, v_load_aligned(column_mean_gx + c))), v_load_aligned(column_rstd + c));
            if (p.accumulate) d = v_add(v_load_n(dx + i, count), d);
            v_store_n(dx + i, d, count);
        });
        __syncthreads();
    }
}

KERNEL(group_norm_bwd_f32, GroupNormBackwardParams, NORM_THREADS) { group_norm_backward<false>(p); }
KERNEL(group_norm_silu_bwd_f32, GroupNormBackwardParams, NORM_THREADS) { group_norm_backward<true>(p); }

// ---- layer norm

KERNEL_CONSTANT(LAYER_ROWS, 32); // most rows of a block

struct LayerNormForwardParams {
    const float *x; // [rows,C]
    const float *w; // [C]
    const float *b; // [C]
    float *y;       // [rows,C]
    float *mean;    // [rows]
    float *rstd;    // [rows]
    int rows, c, rows_per_block;
    float eps;
};

KERNEL(layer_norm_fwd_f32, LayerNormForwardParams, NORM_THREADS) {
    SHARED(float, mean, LAYER_ROWS);
    SHARED(float, rstd, LAYER_ROWS);
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    const int rows = rows_here(p.rows, p.rows_per_block);
    const float *__restrict x = p.x + first * p.c;
    const float *__restrict w = p.w;
    const float *__restrict b = p.b;
    float *__restrict y = p.y + first * p.c;
    row_sum<LAYER_ROWS>(
        rows, p.c, [&](int r, int c) { return x[(long long)r * p.c + c]; }, mean);
    for (int r = threadIdx.x; r < rows; r += blockDim.x) mean[r] = mean[r] / (float)p.c;
    __syncthreads();
    row_sum<LAYER_ROWS>(
        rows, p.c,
        [&](int r, int c) {
            const float d = x[(long long)r * p.c + c] - mean[r];
            return d * d;
        },
        rstd);
    for (int r = threadIdx.x; r < rows; r += blockDim.x) {
        rstd[r] = 1.0f / sqrt_(rstd[r] / (float)p.c + p.eps);
        p.mean[first + r] = mean[r];
        p.rstd[first + r] = rstd[r];
    }
    __syncthreads();
    each_cell(rows, p.c, [&](int r, int c) {
        const long long i = (long long)r * p.c + c;
        y[i] = fma_((x[i] - mean[r]) * rstd[r], w[c], b[c]);
    });
}

struct LayerNormBackwardXParams {
    const float *x;    // [rows,C]
    const float *dy;   // [rows,C]
    const float *w;    // [C]
    const float *mean; // [rows]
    const float *rstd; // [rows]
    float *dx;         // [rows,C]
    int rows, c, rows_per_block, accumulate;
};

// dx = rstd (w dy - mean(w dy) - xhat mean(w dy xhat)), means over the row.
KERNEL(layer_norm_bwd_x_f32, LayerNormBackwardXParams, NORM_THREADS) {
    SHARED(float, mean_g, LAYER_ROWS);
    SHARED(float, mean_gx, LAYER_ROWS);
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    const int rows = rows_here(p.rows, p.rows_per_block);
    const float *__restrict x = p.x + first * p.c;
    const float *__restrict dy = p.dy + first * p.c;
    const float *__restrict w = p.w;
    const float *__restrict mean = p.mean + first;
    const float *__restrict rstd = p.rstd + first;
    float *__restrict dx = p.dx + first * p.c;
    row_sum<LAYER_ROWS>(
        rows, p.c, [&](int r, int c) { return w[c] * dy[(long long)r * p.c + c]; }, mean_g);
    row_sum<LAYER_ROWS>(
        rows, p.c,
        [&](int r, int c) {
            const long long i = (long long)r * p.c + c;
            return w[c] * dy[i] * ((x[i] - mean[r]) * rstd[r]);
        },
        mean_gx);
    for (int r = threadIdx.x; r < rows; r += blockDim.x) {
        mean_g[r] = mean_g[r] / (float)p.c;
        mean_gx[r] = mean_gx[r] / (float)p.c;
    }
    __syncthreads();
    each_cell(rows, p.c, [&](int r, int c) {
        const long long i = (long long)r * p.c + c;
        const float normal = (x[i] - mean[r]) * rstd[r];
        put(dx[i], rstd[r] * (w[c] * dy[i] - mean_g[r] - normal * mean_gx[r]), p.accumulate);
    });
}

struct LayerNormBackwardWParams {
    const float *x;    // [rows,C]
    const float *dy;   // [rows,C]
    const float *mean; // [rows]
    const float *rstd; // [rows]
    float *part;       // [chunks,2,C]: parts of dw, then of db
    int rows, c, chunk_rows;
};

KERNEL(layer_norm_bwd_w_f32, LayerNormBackwardWParams, NORM_THREADS) {
    SHARED(float, lane, 2 * LANE_SUMS);
    SHARED(float, column, 2 * COLUMNS);
    const long long first = (long long)blockIdx.x * p.chunk_rows;
    const int rows = rows_here(p.rows, p.chunk_rows), c0 = blockIdx.y * COLUMNS, cols = at_most(p.c - c0, COLUMNS);
    const float *__restrict x = p.x + first * p.c + c0;
    const float *__restrict dy = p.dy + first * p.c + c0;
    const float *__restrict mean = p.mean + first;
    const float *__restrict rstd = p.rstd + first;
    column_sum<2>(rows, cols, lane, column, [&](int r, int c, int count) {
        const long long i = (long long)r * p.c + c;
        vecf g = v_load_n(dy + i, count);
        vecf normal = v_mul(v_sub(v_load_n(x + i, count), v_set1(mean[r])), v_set1(rstd[r]));
        return Runs<2>{{v_mul(g, normal), g}};
    });
    float *part = p.part + (long long)blockIdx.x * 2 * p.c + c0;
    for (int c = threadIdx.x; c < cols; c += blockDim.x) {
        part[c] = column[c];
        part[p.c + c] = column[COLUMNS + c];
    }
}

struct NormBackwardWParams {
    const float *part; // [parts,2,C]
    float *dw;         // [C] or null
    float *db;         // [C] or null
    int parts, c, accumulate_w, accumulate_b;
};

KERNEL_CONSTANT(PART_COLUMNS, 128); // columns of a block

KERNEL(norm_bwd_w_f32, NormBackwardWParams, PART_COLUMNS) {
    SHARED(float, sum, PART_COLUMNS);
    const int which = blockIdx.y, first = blockIdx.x * PART_COLUMNS, cols = at_most(p.c - first, PART_COLUMNS);
    const float *__restrict part = p.part + (long long)which * p.c + first;
    float *to = which == 0 ? p.dw : p.db;
    const int accumulate = which == 0 ? p.accumulate_w : p.accumulate_b;
    if (!to) return;
    each_in(cols, [&](int c) { sum[c] = 0.0f; });
    for (int i = 0; i < p.parts; i++) each_in(cols, [&](int c) { sum[c] += part[(long long)i * 2 * p.c + c]; });
    each_in(cols, [&](int c) { put(to[first + c], sum[c], accumulate); });
}

// ---- rows of unit length

struct UnitNormForwardParams {
    const float *x; // [rows,C]
    float *y;       // [rows,C]
    float *length;  // [rows]
    int rows, c, rows_per_block;
    float eps;
};

KERNEL(unit_norm_fwd_f32, UnitNormForwardParams, NORM_THREADS) {
    SHARED(float, length, LAYER_ROWS);
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    const int rows = rows_here(p.rows, p.rows_per_block);
    const float *__restrict x = p.x + first * p.c;
    float *__restrict y = p.y + first * p.c;
    row_sum<LAYER_ROWS>(
        rows, p.c, [&](int r, int c) { return x[(long long)r * p.c + c] * x[(long long)r * p.c + c]; }, length);
    for (int r = threadIdx.x; r < rows; r += blockDim.x) {
        const float root = sqrt_(length[r]);
        p.length[first + r] = root;
        length[r] = root < p.eps ? p.eps : root;
    }
    __syncthreads();
    each_cell(rows, p.c, [&](int r, int c) { y[(long long)r * p.c + c] = x[(long long)r * p.c + c] / length[r]; });
}

struct UnitNormBackwardParams {
    const float *y;      // [rows,C]
    const float *dy;     // [rows,C]
    const float *length; // [rows]
    float *dx;           // [rows,C]
    int rows, c, rows_per_block, accumulate;
    float eps;
};

KERNEL(unit_norm_bwd_f32, UnitNormBackwardParams, NORM_THREADS) {
    SHARED(float, along, LAYER_ROWS); // <y, dy>
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    const int rows = rows_here(p.rows, p.rows_per_block);
    const float *__restrict y = p.y + first * p.c;
    const float *__restrict dy = p.dy + first * p.c;
    const float *__restrict length = p.length + first;
    float *__restrict dx = p.dx + first * p.c;
    row_sum<LAYER_ROWS>(
        rows, p.c, [&](int r, int c) { return y[(long long)r * p.c + c] * dy[(long long)r * p.c + c]; }, along);
    each_cell(rows, p.c, [&](int r, int c) {
        const long long i = (long long)r * p.c + c;
        put(dx[i], length[r] < p.eps ? dy[i] / p.eps : (dy[i] - y[i] * along[r]) / length[r], p.accumulate);
    });
}
