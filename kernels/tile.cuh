// Loops of kernels without a reduction: how a block walks over its part of the output.
//
//   each_element(n, f)        f(i) for the block's CHUNK of 0 <= i < n; launched with ceil(n / CHUNK) blocks
//   each_in(count, f)         f(i) for 0 <= i < count
//   each_cell(rows, cols, f)  f(r, c) for a row-major tile
//   rows_here(rows, per)      how many of `rows` rows the block owns when each block owns `per`, block blockIdx.x from blockIdx.x * per on
//   put(y, v, accumulate)     y = v, or y += v
//
// f writes only its own output elements, so its calls are independent of each other: on the cpu the loops become vector code, and
// an output may be the same array as an input where f(i) touches only element i of it.
#pragma once

#include "gpu.cuh"

// Before a loop whose iterations are independent; g++ cannot see that a kernel's arrays do not overlap.
#if defined(__clang__) || defined(__CUDACC__)
#define INDEPENDENT
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

KERNEL_CONSTANT(CHUNK, 4096);

template <class F> DEVICE void each_in(int count, F f) {
    INDEPENDENT
    for (int i = threadIdx.x; i < count; i += blockDim.x) f(i);
}

template <class F> DEVICE void each_element(long long n, F f) {
    const long long begin = (long long)blockIdx.x * CHUNK;
    const int count = (int)(n - begin < CHUNK ? n - begin : CHUNK);
    INDEPENDENT
    for (int i = threadIdx.x; i < count; i += blockDim.x) f(begin + i);
}

template <class F> DEVICE void each_cell(int rows, int cols, F f) {
    if constexpr (ONE_THREAD) {
        for (int r = 0; r < rows; r++) {
            INDEPENDENT
            for (int c = 0; c < cols; c++) f(r, c);
        }
    } else {
        for (int k = threadIdx.x; k < rows * cols; k += blockDim.x) f(k / cols, k % cols);
    }
}

DEVICE int rows_here(long long rows, int per) {
    const long long left = rows - (long long)blockIdx.x * per;
    return (int)(left < per ? left : per);
}

DEVICE void put(float &y, float v, int accumulate) { y = accumulate ? y + v : v; }
