// The kernel dialect on a GPU: clang without a CUDA toolkit (its builtins only), or nvcc. Included by gpu.cuh.
//
// Invariants: every wrapper here has a host twin of the same name and the same bits in gpu_host.cuh; compiler builtins stand in this
// file only, PTX assembly in mma.cuh.
#pragma once

#if defined(__clang__)
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define __align__(n) __attribute__((aligned(n)))
#define __forceinline__ inline __attribute__((always_inline))
#include <__clang_cuda_builtin_vars.h> // threadIdx, blockIdx, blockDim, gridDim; part of clang itself
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long int64_t;
typedef unsigned long uint64_t;
#else
#include <stdint.h>
#endif

#define DEVICE static __device__ __forceinline__
#define MEMBER __device__ __forceinline__
#define UNROLL _Pragma("unroll")
#define SHARED(T, name, count) __shared__ __align__(64) T name[count]
#define KERNEL_BOUNDED(name, Params, THREADS, ...)                                                                                                    \
    static_assert((THREADS) >= 32 && (THREADS) <= 1024 && (THREADS) % 32 == 0, #name ": the launch bound must be 32, 64, ..., 1024");                \
    static_assert(sizeof(Params) <= 4096, #name ": at most 4 KB of parameters");                                                                     \
    extern "C" __global__ void __launch_bounds__(__VA_ARGS__) name(const Params p)
#define KERNEL(name, Params, THREADS) KERNEL_BOUNDED(name, Params, THREADS, THREADS)
// One block a multiprocessor is enough: without saying so ptxas aims at five blocks of 256 and spills the register tiles.
#define KERNEL_WHOLE(name, Params, THREADS) KERNEL_BOUNDED(name, Params, THREADS, THREADS, 1)
// The bytes are a constant of the module, from which the driver side learns them (see CheckPtx.cmake).
#define KERNEL_SHARED(name, Params, THREADS, BYTES)                                                                                                  \
    static_assert((BYTES) > 0 && (BYTES) <= 227 * 1024 && (BYTES) % 16 == 0, #name ": dynamic shared memory is 16, 32, ... bytes up to 227 KB");     \
    extern "C" {                                                                                                                                     \
    __constant__ int name##_dynamic_shared = BYTES;                                                                                                  \
    }                                                                                                                                                \
    KERNEL_WHOLE(name, Params, THREADS)
// The value is a constant of the module too, from which the driver side learns it (see CheckPtx.cmake).
#define KERNEL_CONSTANT(name, value)                                                                                                                 \
    extern "C" {                                                                                                                                     \
    __constant__ int name##_kernel_constant = value;                                                                                                 \
    }                                                                                                                                                \
    constexpr int name = value
#define SHARED_DYNAMIC(T, name)                                                                                                                      \
    extern __shared__ __align__(1024) unsigned char cuattr_dynamic_shared[];                                                                         \
    T *const name = reinterpret_cast<T *>(cuattr_dynamic_shared)

constexpr bool ONE_THREAD = false;

#if defined(__clang__)
DEVICE float fma_(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
DEVICE float sqrt_(float x) { return __nvvm_sqrt_rn_f(x); }
DEVICE float rint_(float x) { return __builtin_rintf(x); }
DEVICE float abs_(float x) { return __builtin_fabsf(x); }
DEVICE float bits_(uint32_t u) { return __builtin_bit_cast(float, u); }
DEVICE uint32_t ubits_(float x) { return __builtin_bit_cast(uint32_t, x); }
#else
DEVICE float fma_(float a, float b, float c) { return __fmaf_rn(a, b, c); }
DEVICE float sqrt_(float x) { return __fsqrt_rn(x); }
DEVICE float rint_(float x) { return rintf(x); }
DEVICE float abs_(float x) { return fabsf(x); }
DEVICE float bits_(uint32_t u) { return __uint_as_float(u); }
DEVICE uint32_t ubits_(float x) { return __float_as_uint(x); }
#endif
