// The kernel dialect: one source for a GPU (PTX) and for two host builds.
//
//   device   clang -x cuda without a CUDA toolkit, or nvcc       gpu_device.cuh
//   cpu      g++/clang, one thread per block (CUATTR_CPU)         gpu_host.cuh
//   simt     g++/clang, threads as fibers, real blocks (CUATTR_SIMT)
//
// A kernel is   struct ScaleParams { const float* x; float* y; float factor; int n; };
//               KERNEL(scale_fwd_f32, ScaleParams, 256) { for (int i = threadIdx.x; i < p.n; i += blockDim.x) ... }
// It takes one by-value struct `p` of pointers, int, unsigned and float (at most 4 KB, pointers first), runs in 1-D blocks of at
// most the given launch bound, and is right for every block size from 1 up to it. KERNEL_WHOLE(...) is for kernels whose threads own
// fixed parts of a tile: their block size on a GPU and on simt is the launch bound and no other. SHARED(T, name, count) is an array of
// the block, at most 48 KB of them; KERNEL_SHARED(name, Params, THREADS, BYTES) is a KERNEL_WHOLE with BYTES more, up to 227 KB in all on
// a Hopper GPU, which SHARED_DYNAMIC(T, name) points at (aligned to 1,024). Helper functions are marked DEVICE, member functions of an
// object MEMBER. KERNEL_CONSTANT(NAME, value) is a constexpr int that launches depend on: KernelConstants.NAME in C#. Kernels that work with whole warps (mma.cuh) end in _bf16 and are left out of the cpu build.
//
// Invariants: no fused multiply-add but fma_, no approximate or flushed-to-zero arithmetic, no libm: +, -, *, /, sqrt_, fma_ are
// IEEE binary32 round-to-nearest-even in every build, so equal order of operations means equal bits (NaN payloads excepted).
// No return before a barrier. Blocks of one launch do not talk to each other.
#pragma once

#if defined(__CUDACC__) || defined(__CUDA__)
#include "gpu_device.cuh"
#else
#include "gpu_host.cuh"
#endif

// Before a loop of constant trip count over register arrays: unrolled completely, so that the arrays stay in registers.
#if defined(__clang__) || defined(__CUDACC__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 64")
#endif
// The same where a thread of the cpu build goes through many register tiles that live in memory: unrolling would only bloat it.
#if defined(CUATTR_CPU)
#define UNROLL_DEVICE
#else
#define UNROLL_DEVICE UNROLL
#endif

// ---- scalar helpers, the same in every build

// The larger and the smaller of two; NaN if either is NaN. Of two zeros the second argument is returned.
DEVICE float max_(float a, float b) { return (a > b || a != a) ? a : b; }
DEVICE float min_(float a, float b) { return (a < b || a != a) ? a : b; }

#include "vecf.cuh"
