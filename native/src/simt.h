// What a kernel calls when it runs under the SIMT runtime (see simt_blocks.cpp). Included by kernels/gpu_host.cuh.
#pragma once

namespace cuattr::simt {

// __syncthreads(): returns when every thread of the block has arrived at the same place. Where that cannot happen, the launch
// fails with a sentence that names the kernel, the block and the places.
void barrier(const char *file, int line);

constexpr int max_exchange_bytes = 64;

// Hands `bytes` bytes (a multiple of 4, at most max_exchange_bytes) to the calling thread's warp and returns when all its 32 threads have come to the
// same place: what they handed over, one after another in lane order, valid until the thread's next exchange. Orders no memory accesses. Where not
// all come, the launch fails with a sentence that names the threads and the places.
const void *exchange_in_warp(const void *mine, int bytes, const char *file, int line);

// The block's shared array that belongs to `key` (one key per declaration), 64-byte aligned, filled with NaNs at its first use in
// a block. The launch fails where a block asks for more than 48 KB.
void *shared_memory(const void *key, int bytes);

// The dynamic shared memory of the kernel's block, filled with NaNs at its first use in a block. The launch fails where the kernel was not
// declared with KERNEL_SHARED, or where the block has more than 227 KB in all.
void *dynamic_shared_memory();

// The launch fails where p is not a multiple of `bytes`, as the aligned access would on a GPU.
void check_alignment(const void *p, int bytes);

} // namespace cuattr::simt
