// Block reductions with an order that does not depend on the block size.
//
// LANES virtual lanes (a power of two from 32 to 1,024, fixed by the kernel): lane l combines f(l), f(l + LANES), f(l + 2 LANES), ...
// in this order; then lane l is combined with lane l + w for w = LANES/2, LANES/4, ..., 1. A real thread owns the lanes t,
// t + blockDim.x, ...; the single thread of the cpu build owns all of them and runs over them as a vector loop.
//
//   float   block_sum<LANES>(n, f)          sum of f(i), 0 <= i < n; +0 for n <= 0
//   float   block_max<LANES>(n, f)          largest f(i), NaN if any is NaN; -Inf for n <= 0
//   int64_t block_sum_i64<LANES>(n, f)      exact sum of integers
//   void    row_sum<ROWS>(rows, n, f, out)  out[r] = sum of f(r, i), 0 <= i < n, for r < rows <= ROWS; 32 lanes a row
//   void    row_max<ROWS>(rows, n, f, out)  likewise the largest
//
// Every thread of the block must call them with the same n and rows; all get the result. `out` is shared memory of the kernel with
// ROWS floats. f may read what other threads wrote before the last barrier. Choose LANES = launch bound for long sums, and the row
// form for many short rows in a block. The calls hold the barriers they need: they may follow each other directly.
#pragma once

#include "gpu.cuh"

namespace reduce_detail {

// One kind of reduction: the value of an empty one, and how two partial results combine.
struct Sum {
    typedef float Value;
    static constexpr float empty = 0.0f;
    DEVICE float combine(float a, float b) { return a + b; }
};
struct Max {
    typedef float Value;
    static constexpr float empty = -__builtin_inff();
    DEVICE float combine(float a, float b) { return max_(a, b); }
};
struct SumInt64 {
    typedef int64_t Value;
    static constexpr int64_t empty = 0;
    DEVICE int64_t combine(int64_t a, int64_t b) { return a + b; }
};

// Folds WIDTH values, value l with value l + WIDTH/2 and so on, in place; the result is lane[0].
template <class Op, int WIDTH> DEVICE typename Op::Value fold(typename Op::Value *lane) {
    UNROLL
    for (int w = WIDTH / 2; w > 0; w /= 2) UNROLL
    for (int l = 0; l < w; l++) lane[l] = Op::combine(lane[l], lane[l + w]);
    return lane[0];
}

// The lane sums of the single thread: memory order, LANES accumulators.
template <class Op, int LANES, class F> DEVICE void accumulate_all(int n, F f, typename Op::Value *lane) {
    for (int l = 0; l < LANES; l++) lane[l] = Op::empty;
    int i = 0;
    for (; n - i >= LANES; i += LANES)
        for (int l = 0; l < LANES; l++) lane[l] = Op::combine(lane[l], f(i + l));
    for (int l = 0; l < n - i; l++) lane[l] = Op::combine(lane[l], f(i + l));
}

template <class Op, int LANES, class F> DEVICE typename Op::Value accumulate_lane(int l, int n, F f) {
    typename Op::Value sum = Op::empty;
    for (int i = l; i < n; i += LANES) sum = Op::combine(sum, f(i));
    return sum;
}

// Shared memory of the real blocks. All reductions of a kernel with the same type and size use the same: each leaves a barrier
// between its last use and the next one's first.
template <class Value, int COUNT> DEVICE Value *lane_memory() {
    SHARED(Value, lane, COUNT);
    return lane;
}
template <class Value> DEVICE Value *partial_memory() {
    SHARED(Value, partial, 32);
    return partial;
}

template <class Op, int LANES, class F> DEVICE typename Op::Value block_reduce(int n, F f) {
    static_assert(LANES >= 32 && LANES <= 1024 && (LANES & (LANES - 1)) == 0, "the lane count is a power of two from 32 to 1,024");
    typedef typename Op::Value Value;
    if constexpr (ONE_THREAD) {
        alignas(64) Value lane[LANES];
        accumulate_all<Op, LANES>(n, f, lane);
        return fold<Op, LANES>(lane);
    } else {
        Value *const lane = lane_memory<Value, LANES>();
        Value *const partial = partial_memory<Value>();
        for (int l = threadIdx.x; l < LANES; l += blockDim.x) lane[l] = accumulate_lane<Op, LANES>(l, n, f);
        __syncthreads();
        // Lanes l, l + 32, l + 64, ... fold among themselves first; 32 results remain, which every thread folds for itself.
        for (int l = threadIdx.x; l < 32; l += blockDim.x) {
            Value v[LANES / 32];
            UNROLL
            for (int k = 0; k < LANES / 32; k++) v[k] = lane[l + 32 * k];
            partial[l] = fold<Op, LANES / 32>(v);
        }
        __syncthreads();
        Value v[32];
        UNROLL
        for (int k = 0; k < 32; k++) v[k] = partial[k];
        return fold<Op, 32>(v);
    }
}

template <class Op, int ROWS, class F> DEVICE void row_reduce(int rows, int n, F f, float *out) {
    if constexpr (ONE_THREAD) {
        for (int r = 0; r < rows; r++) {
            alignas(64) float lane[32];
            accumulate_all<Op, 32>(
                n, [&](int i) { return f(r, i); }, lane);
            out[r] = fold<Op, 32>(lane);
        }
    } else {
        constexpr int pitch = 33; // an odd pitch spreads the rows over the memory banks
        float *const lane = lane_memory<float, ROWS * pitch>();
        for (int k = threadIdx.x; k < rows * 32; k += blockDim.x) {
            const int r = k / 32, l = k % 32;
            lane[r * pitch + l] = accumulate_lane<Op, 32>(l, n, [&](int i) { return f(r, i); });
        }
        __syncthreads();
        for (int r = threadIdx.x; r < rows; r += blockDim.x) {
            float v[32];
            UNROLL
            for (int k = 0; k < 32; k++) v[k] = lane[r * pitch + k];
            out[r] = fold<Op, 32>(v);
        }
        __syncthreads();
    }
}

} // namespace reduce_detail

template <int LANES, class F> DEVICE float block_sum(int n, F f) { return reduce_detail::block_reduce<reduce_detail::Sum, LANES>(n, f); }
template <int LANES, class F> DEVICE float block_max(int n, F f) { return reduce_detail::block_reduce<reduce_detail::Max, LANES>(n, f); }
template <int LANES, class F> DEVICE int64_t block_sum_i64(int n, F f) { return reduce_detail::block_reduce<reduce_detail::SumInt64, LANES>(n, f); }
template <int ROWS, class F> DEVICE void row_sum(int rows, int n, F f, float *out) {
    reduce_detail::row_reduce<reduce_detail::Sum, ROWS>(rows, n, f, out);
}
template <int ROWS, class F> DEVICE void row_max(int rows, int n, F f, float *out) {
    reduce_detail::row_reduce<reduce_detail::Max, ROWS>(rows, n, f, out);
}
