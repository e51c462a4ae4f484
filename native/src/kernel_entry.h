// What a host build of a kernel leaves behind for the runtime: one constant-initialised entry per kernel.
//
// Invariants: no static constructors (kernels are compiled for AVX2 or AVX-512, and a constructor would run such code before
// the processor has been checked); pointers to the entries are collected by the linker in the section cuattr_kernels.
#pragma once

struct Dim3 {
    unsigned x, y, z;
};

namespace cuattr {

constexpr int max_block_threads = 1024;
constexpr int max_param_bytes = 4096;
constexpr int max_shared_bytes = 48 * 1024;        // declared statically
constexpr int max_block_shared_bytes = 227 * 1024; // with what a kernel has dynamically
constexpr int dynamic_shared_alignment = 1024;

struct KernelEntry {
    const char *name;
    void (*run_thread)(const void *params); // runs one thread of one block; where it is comes from `context`
    int block_threads;                      // launch bound
    int param_bytes;
    bool whole_block; // wrong for blocks smaller than the launch bound, except for the single thread of the cpu device
    int dynamic_shared_bytes;
};

// Where the running kernel thread stands. Written by the runtime, read by kernels as threadIdx, blockIdx, blockDim, gridDim, SHARED_DYNAMIC.
struct KernelContext {
    Dim3 thread, block, block_dim, grid;
    void *dynamic_shared; // cpu
};

// initial-exec: one instruction to reach it; small enough for the surplus that dlopen has for such variables.
extern __thread KernelContext context __attribute__((tls_model("initial-exec")));

} // namespace cuattr
