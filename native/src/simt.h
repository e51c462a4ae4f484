// What a kernel calls when it runs under the SIMT runtime (see simt_blocks.cpp). Included by kernels/gpu_host.cuh.
#pragma once

namespace cuattr::simt {

// __syncthreads(): returns when every thread of the block has arrived at the same place. Where that cannot happen, the launch
// fails with a sentence that names the kernel, the block and the places.
void barrier(const char *file, int line);

// The block's shared array that belongs to `key` (one key per declaration), 64-byte aligned, filled with NaNs at its first use in
// a block. The launch fails where a block asks for more than 48 KB.
void *shared_memory(const void *key, int bytes);

// The launch fails where p is not a multiple of `bytes`, as the aligned access would on a GPU.
void check_alignment(const void *p, int bytes);

} // namespace cuattr::simt
