// Kernels that are wrong on purpose: each must be caught by the check that exists for its fault. Built for the simt test libraries
// only.
#include "gpu.cuh"
#include "mma.cuh"
#include "selftest_params.h"

// A barrier is missing between writing and reading shared memory. ThreadSanitizer: data race.
KERNEL(wrong_missing_barrier, WrongParams, 64) {
    SHARED(float, tile, 64);
    tile[threadIdx.x] = p.x[threadIdx.x];
    p.y[threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}

// The tile is written again while slower threads may still read it. ThreadSanitizer: data race.
KERNEL(wrong_missing_second_barrier, WrongParams, 64) {
    SHARED(float, tile, 64);
    for (int k = 0; k < 2; k++) {
        tile[threadIdx.x] = p.x[threadIdx.x] + (float)k;
        __syncthreads();
        p.y[threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
    }
}

// Two neighbouring blocks write the same element. ThreadSanitizer: data race.
KERNEL(wrong_block_overlap, WrongParams, 64) { p.y[blockIdx.x * (blockDim.x - 1) + threadIdx.x] = 1.0f; }

// One element beyond a shared array. AddressSanitizer (the index is hidden from the compiler's own check of array bounds).
KERNEL(wrong_shared_overflow, WrongParams, 64) {
    SHARED(float, tile, 64);
    float *first = tile;
    first[threadIdx.x + 1] = p.x[threadIdx.x];
    __syncthreads();
    p.y[threadIdx.x] = tile[threadIdx.x];
}

// One index beyond a shared array, written as such. UndefinedBehaviorSanitizer: index out of bounds.
KERNEL(wrong_shared_index, WrongParams, 64) {
    SHARED(float, tile, 64);
    tile[threadIdx.x + (unsigned)p.n] = p.x[threadIdx.x];
    __syncthreads();
    p.y[threadIdx.x] = tile[threadIdx.x];
}

// One element beyond a buffer. AddressSanitizer: heap-buffer-overflow.
KERNEL(wrong_global_overflow, WrongParams, 64) {
    for (int i = threadIdx.x; i <= p.n; i += blockDim.x) p.y[i] = p.x[i];
}

// Some threads never reach the barrier. The runtime: deadlock.
KERNEL(wrong_divergent_barrier, WrongParams, 64) {
    if (threadIdx.x < 40) __syncthreads();
    p.y[threadIdx.x] = 1.0f;
}

// Threads wait at two different barriers. The runtime: divergent barrier.
KERNEL(wrong_two_barriers, WrongParams, 64) {
    if (threadIdx.x < 40) {
        __syncthreads();
        p.y[threadIdx.x] = 1.0f;
    } else {
        __syncthreads();
        p.y[threadIdx.x] = 2.0f;
    }
}

// Shared memory is read that nobody wrote. The runtime: NaN.
KERNEL(wrong_unwritten_shared, WrongParams, 64) {
    SHARED(float, tile, 64);
    p.y[threadIdx.x] = tile[threadIdx.x];
}

// 64 KB of shared memory in two arrays. The runtime: more than a block has.
KERNEL(wrong_too_much_shared, WrongParams, 64) {
    SHARED(float, first, 8192);
    SHARED(float, second, 8192);
    first[threadIdx.x] = second[threadIdx.x] = p.x[threadIdx.x];
    __syncthreads();
    p.y[threadIdx.x] = first[threadIdx.x] + second[threadIdx.x];
}

// Dynamic shared memory that the kernel was not declared with. The runtime: declare it.
KERNEL(wrong_undeclared_dynamic, WrongParams, 64) {
    SHARED_DYNAMIC(float, tile);
    tile[threadIdx.x] = p.x[threadIdx.x];
    p.y[threadIdx.x] = tile[threadIdx.x];
}

// 8 KB beside 227 KB. The runtime: more than a block has.
KERNEL_SHARED(wrong_too_much_dynamic, WrongParams, 64, 227 * 1024) {
    SHARED_DYNAMIC(float, tile);
    SHARED(float, more, 2048);
    tile[threadIdx.x] = more[threadIdx.x] = p.x[threadIdx.x];
    p.y[threadIdx.x] = tile[threadIdx.x];
}

// Dynamic shared memory is read that nobody wrote, then written. The runtime: NaN, in every block.
KERNEL_SHARED(wrong_unwritten_dynamic, WrongParams, 64, 64 * 4) {
    SHARED_DYNAMIC(float, tile);
    p.y[blockIdx.x * 64 + threadIdx.x] = tile[threadIdx.x];
    tile[threadIdx.x] = 1.0f;
}

// One element beyond the dynamic shared memory. AddressSanitizer.
KERNEL_SHARED(wrong_dynamic_overflow, WrongParams, 64, 64 * 4) {
    SHARED_DYNAMIC(float, tile);
    tile[threadIdx.x + 1] = p.x[threadIdx.x];
    __syncthreads();
    p.y[threadIdx.x] = tile[threadIdx.x];
}

// An aligned vector access at an address that is not. The runtime: alignment.
KERNEL(wrong_misaligned_vector, WrongParams, 64) { v_store_aligned(p.y + 1, v_load(p.x)); }

// One lane leaves before its warp multiplies. The runtime: deadlock of a warp.
KERNEL(wrong_missing_lane, WrongParams, 64) {
    float c[1][1][4] = {};
    const uint32_t a[1][4] = {}, b[1][2] = {};
    if (threadIdx.x != 37) mma_bf16(c, a, b);
    p.y[threadIdx.x] = c[0][0][0];
}

// Half a warp multiplies in one place and half in another. The runtime: divergent warp.
KERNEL(wrong_divergent_warp, WrongParams, 64) {
    SHARED(uint32_t, tile, 64 * 4);
    uint32_t r[4];
    if (threadIdx.x % 32 < 16)
        load_matrices(r, tile + threadIdx.x * 4);
    else
        load_matrices_transposed(r, tile + threadIdx.x * 4);
    p.y[threadIdx.x] = (float)r[0];
}

// Some lanes wait for their warp, the others at a barrier. The runtime: deadlock of a warp.
KERNEL(wrong_barrier_in_warp, WrongParams, 64) {
    float c[1][1][4] = {};
    const uint32_t a[1][4] = {}, b[1][2] = {};
    if (threadIdx.x < 40)
        mma_bf16(c, a, b);
    else
        __syncthreads();
    p.y[threadIdx.x] = c[0][0][0];
}

// A barrier is missing between writing shared memory and loading matrices from it. ThreadSanitizer: data race.
KERNEL(wrong_early_matrices, WrongParams, 64) {
    SHARED(uint16_t, tile, 64 * 8);
    for (int i = 0; i < 8; i++) tile[threadIdx.x * 8 + i] = (uint16_t)i;
    uint32_t r[4];
    load_matrices(r, tile + threadIdx.x * 8);
    p.y[threadIdx.x] = (float)r[0];
}

// A matrix row that does not begin at a multiple of 16 bytes. The runtime: alignment.
KERNEL(wrong_misaligned_matrices, WrongParams, 64) {
    SHARED(uint16_t, tile, 65 * 8);
    uint32_t r[4];
    load_matrices(r, tile + threadIdx.x * 8 + 4);
    p.y[threadIdx.x] = (float)r[0];
}
