// The C interface of a host device: libcuattr_cpu_avx2, libcuattr_cpu_avx512 and libcuattr_simt all export exactly this.
//
// Invariants: no exception crosses it; every function returns a CuattrStatus (the numbers are CUresult's) unless said otherwise;
// after a non-zero status cuattr_last_error() holds one sentence that names what, where and what to do; launches are synchronous;
// all functions may be called from several threads at once.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CUATTR_API __attribute__((visibility("default")))
#else
#define CUATTR_API
#endif

// Raised whenever a signature or a meaning below changes.
#define CUATTR_ABI_VERSION 3

enum CuattrStatus {
    CUATTR_SUCCESS = 0,
    CUATTR_INVALID_VALUE = 1,
    CUATTR_NOT_FOUND = 500,
    CUATTR_LAUNCH_FAILED = 719,
    CUATTR_NOT_SUPPORTED = 801,
    CUATTR_UNKNOWN = 999
};

// CUATTR_ABI_VERSION of the library.
CUATTR_API int cuattr_abi_version(void);

// Why the last failing call of this thread failed; "" before any. Valid until the next failing call of the same thread.
CUATTR_API const char *cuattr_last_error(void);

// Looks a kernel up by name. CUATTR_NOT_FOUND where there is none; CUATTR_NOT_SUPPORTED where the processor lacks the
// instruction set that the library was built for.
CUATTR_API int cuattr_get_function(void **function, const char *name);

// Launch bound (threads a block, the block size on a GPU), size of the params struct and dynamic shared memory of a block in bytes.
CUATTR_API int cuattr_function_info(void *function, int *block_size, int *param_bytes, int *shared_bytes);

// Name of the index-th kernel, null past the end. The order is that of linking and means nothing.
CUATTR_API const char *cuattr_kernel_name(int index);

// Runs a grid of gx * gy * gz blocks of bx threads and returns when all are done. params: the kernel's params struct.
// bx: 1 .. launch bound, for kernels that need whole blocks the launch bound (the cpu device runs one thread a block whatever bx is,
// with the same bits).
// gx: 1 .. 2^31-1; gy, gz: 1 .. 65,535. shared_bytes: what cuattr_function_info says.
CUATTR_API int cuattr_launch_kernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned shared_bytes, const void *params);

// Device, instruction set and processor in words, cut to n bytes with the terminating zero.
CUATTR_API int cuattr_device_name(char *buffer, int n);

// Operating-system threads that a launch spreads its blocks over, the calling one among them: 1 .. 4096; 0 restores the default, one for each
// processor that the process may use (by its affinity and by the processor time that its control group allows). One number for all launches of
// the library; it decides the speed and no bit of a result. A launch that is over before a sleeping thread could come runs on the calling one.
CUATTR_API int cuattr_set_threads(int n);

// The number of threads that a launch uses now (a count, not a status).
CUATTR_API int cuattr_threads(void);

// Device options. simt: "random_order" (0: threads run in index order; otherwise the seed of a random order at every barrier).
// The cpu device has none.
CUATTR_API int cuattr_option(const char *name, int value);

#ifdef __cplusplus
}
#endif
