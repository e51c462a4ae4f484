// Sums down the columns of a tile of rows, with an order that depends on the number of rows only.
//
//   each_run(rows, cols, f)                    f(r, c, n) for every row and every run of n <= VECF_LANES neighbouring columns
//   column_sum<K>(rows, cols, lane, out, f)    K sums at once down each of up to COLUMNS columns
//
// A column has ROW_LANES virtual lanes in the manner of reduce.cuh, which sums along rows: lane l adds rows l, l + ROW_LANES, ... in this
// order, then lane l takes lane l + w for w = ROW_LANES/2, ..., 1. So thousands of rows keep a GPU block busy, and the bits depend on
// neither block size nor vector width.
#pragma once

#include "gpu.cuh"

KERNEL_CONSTANT(COLUMNS, 64); // most columns summed at a time
constexpr int ROW_LANES = 32;
constexpr int LANE_SUMS = ROW_LANES * COLUMNS;

DEVICE int at_most(int value, int limit) { return value < limit ? value : limit; }

// f(r, c, n) for every row and every run of n <= VECF_LANES columns from c on. A device thread keeps to the rows of one lane.
template <class F> DEVICE void each_run(int rows, int cols, F f) {
    if constexpr (ONE_THREAD) {
        for (int r = 0; r < rows; r++) {
            int c = 0;
            for (; c + VECF_LANES <= cols; c += VECF_LANES) f(r, c, VECF_LANES);
            if (c < cols) f(r, c, cols - c);
        }
    } else {
        const int runs = (cols + VECF_LANES - 1) / VECF_LANES;
        for (int u = threadIdx.x; u < ROW_LANES * runs; u += blockDim.x) {
            const int c = u % runs * VECF_LANES;
            for (int r = u / runs; r < rows; r += ROW_LANES) f(r, c, at_most(cols - c, VECF_LANES));
        }
    }
}

template <int K> struct Runs { vecf v[K]; };

constexpr int LANE_STEPS = 4;

// One thread: adds rows first + l, first + l + ROW_LANES, ... (STEPS of them) to lane l < lanes.
template <int K, int STEPS, class F> DEVICE void add_to_lanes(int first, int lanes, int cols, int pitch, float *__restrict lane, F f) {
    each_run(lanes, cols, [&](int l, int c, int n) {
        Runs<K> sum;
        UNROLL
        for (int k = 0; k < K; k++) sum.v[k] = v_load_aligned(lane + (k * ROW_LANES + l) * pitch + c);
        UNROLL
        for (int s = 0; s < STEPS; s++) {
            Runs<K> value = f(first + s * ROW_LANES + l, c, n);
            UNROLL
            for (int k = 0; k < K; k++) sum.v[k] = v_add(sum.v[k], value.v[k]);
        }
        UNROLL
        for (int k = 0; k < K; k++) v_store_aligned(lane + (k * ROW_LANES + l) * pitch + c, sum.v[k]);
    });
}

// out[k * COLUMNS + c] = sum over rows of f(r, c, n).v[k], c < cols <= COLUMNS. `lane` is K * LANE_SUMS floats; both in shared memory.
// Holds the barriers it needs.
template <int K, class F> DEVICE void column_sum(int rows, int cols, float *__restrict lane, float *__restrict out, F f) {
    if constexpr (ONE_THREAD) {
        const int pitch = (cols + VECF_LANES - 1) / VECF_LANES * VECF_LANES;
        for (int i = 0; i < K * ROW_LANES * pitch; i++) lane[i] = 0.0f;
        // A lane takes several of its rows at a time: half of what a single row costs is to fetch the lane and to put it back.
        int r = 0;
        for (; r + LANE_STEPS * ROW_LANES <= rows; r += LANE_STEPS * ROW_LANES) add_to_lanes<K, LANE_STEPS>(r, ROW_LANES, cols, pitch, lane, f);
        for (; r < rows; r += ROW_LANES) add_to_lanes<K, 1>(r, at_most(rows - r, ROW_LANES), cols, pitch, lane, f);
        for (int k = 0; k < K; k++) {
            float *part = lane + k * ROW_LANES * pitch;
            for (int w = ROW_LANES / 2; w > 0; w /= 2)
                for (int i = 0; i < w * pitch; i++) part[i] += part[i + w * pitch];
            for (int c = 0; c < cols; c++) out[k * COLUMNS + c] = part[c];
        }
    } else {
        const int runs = (cols + VECF_LANES - 1) / VECF_LANES;
        for (int u = threadIdx.x; u < ROW_LANES * runs; u += blockDim.x) {
            const int c = u % runs * VECF_LANES, l = u / runs;
            Runs<K> sum;
            for (int k = 0; k < K; k++) sum.v[k] = v_zero();
            for (int r = l; r < rows; r += ROW_LANES) {
                Runs<K> value = f(r, c, at_most(cols - c, VECF_LANES));
                UNROLL
                for (int k = 0; k < K; k++) sum.v[k] = v_add(sum.v[k], value.v[k]);
            }
            for (int k = 0; k < K; k++) v_store_aligned(lane + (k * ROW_LANES + l) * COLUMNS + c, sum.v[k]);
        }
        __syncthreads();
        for (int i = threadIdx.x; i < K * COLUMNS; i += blockDim.x) {
            const int k = i / COLUMNS, c = i % COLUMNS;
            if (c >= cols) continue;
            float v[ROW_LANES];
            UNROLL
            for (int l = 0; l < ROW_LANES; l++) v[l] = lane[(k * ROW_LANES + l) * COLUMNS + c];
            UNROLL
            for (int w = ROW_LANES / 2; w > 0; w /= 2) {
                UNROLL
                for (int l = 0; l < w; l++) v[l] += v[l + w];
            }
            out[i] = v[0];
        }
        __syncthreads();
    }
}
