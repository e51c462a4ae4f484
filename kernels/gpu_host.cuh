// The kernel dialect on the host. Included by gpu.cuh.
//
//   CUATTR_CPU    one thread per block: threadIdx and blockDim are constants, so a strided loop is a plain vector loop
//   CUATTR_SIMT   every thread is a fiber; it leaves the processor at __syncthreads() only
//
// Invariants: what kernels include from here has no static constructors (see kernel_entry.h) and no standard library.
#pragma once

#include <stdint.h>

#include "kernel_entry.h"

#if defined(CUATTR_CPU) == defined(CUATTR_SIMT)
#error "define exactly one of CUATTR_CPU and CUATTR_SIMT"
#endif

#define DEVICE static inline __attribute__((always_inline))
#define MEMBER inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 64")
#endif

// The body takes its struct by value: a local copy that stores through the kernel's pointers cannot change, so that the fields
// stay in registers over vectorised loops.
#define KERNEL_ENTRY(name, Params, THREADS, WHOLE_BLOCK, BYTES)                                                                                      \
    static_assert((THREADS) >= 32 && (THREADS) <= cuattr::max_block_threads && (THREADS) % 32 == 0,                                                  \
                  #name ": the launch bound must be 32, 64, ..., 1024");                                                                             \
    static_assert(sizeof(Params) <= cuattr::max_param_bytes, #name ": at most 4 KB of parameters");                                                  \
    static_assert((BYTES) <= cuattr::max_block_shared_bytes && (BYTES) % 16 == 0,                                                                    \
                  #name ": dynamic shared memory is 16, 32, ... bytes up to 227 KB");                                                                \
    static_assert(__is_trivially_copyable(Params), #name ": parameters are a plain struct");                                                         \
    static void name##_body(const Params p);                                                                                                         \
    static void name##_run(const void *params) {                                                                                                     \
        Params p;                                                                                                                                    \
        __builtin_memcpy(&p, params, sizeof p);                                                                                                      \
        name##_body(p);                                                                                                                              \
    }                                                                                                                                                \
    static constexpr cuattr::KernelEntry name##_entry{#name, &name##_run, THREADS, sizeof(Params), WHOLE_BLOCK, BYTES};                              \
    __attribute__((section("cuattr_kernels"), used)) static const cuattr::KernelEntry *const name##_entry_pointer = &name##_entry;                   \
    static void name##_body([[maybe_unused]] const Params p)
#define KERNEL(name, Params, THREADS) KERNEL_ENTRY(name, Params, THREADS, false, 0)
#define KERNEL_WHOLE(name, Params, THREADS) KERNEL_ENTRY(name, Params, THREADS, true, 0)
#define KERNEL_SHARED(name, Params, THREADS, BYTES)                                                                                                  \
    static_assert((BYTES) > 0, #name ": without dynamic shared memory it is a KERNEL_WHOLE");                                                        \
    KERNEL_ENTRY(name, Params, THREADS, true, BYTES)

#define KERNEL_CONSTANT(name, value) constexpr int name = value

#define blockIdx (cuattr::context.block)
#define gridDim (cuattr::context.grid)

#if defined(CUATTR_CPU)

constexpr bool ONE_THREAD = true;
constexpr Dim3 threadIdx{0, 0, 0};
constexpr Dim3 blockDim{1, 1, 1};
#define SHARED(T, name, count) alignas(64) T name[count]
#define SHARED_DYNAMIC(T, name) T *const name = static_cast<T *>(cuattr::context.dynamic_shared)
#define __syncthreads() ((void)0)

#else

#include "simt.h"

constexpr bool ONE_THREAD = false;
#define threadIdx (cuattr::context.thread)
#define blockDim (cuattr::context.block_dim)
#define SHARED(T, name, count)                                                                                                                       \
    static_assert(sizeof(T) * (count) <= cuattr::max_shared_bytes, #name ": at most 48 KB of shared memory a block");                                \
    static const char name##_key = 0;                                                                                                                \
    auto &name = *static_cast<T(*)[count]>(cuattr::simt::shared_memory(&name##_key, sizeof(T) * (count)))
#define SHARED_DYNAMIC(T, name) T *const name = static_cast<T *>(cuattr::simt::dynamic_shared_memory())
#define __syncthreads() cuattr::simt::barrier(__FILE__, __LINE__)

#endif

DEVICE float fma_(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
DEVICE float sqrt_(float x) { return __builtin_sqrtf(x); }
DEVICE float rint_(float x) { return __builtin_rintf(x); }
DEVICE float abs_(float x) { return __builtin_fabsf(x); }
DEVICE float bits_(uint32_t u) { return __builtin_bit_cast(float, u); }
DEVICE uint32_t ubits_(float x) { return __builtin_bit_cast(uint32_t, x); }
