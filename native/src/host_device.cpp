// The C interface of the host devices: kernel lookup, argument checks, error text. Compiled for the base x86-64 instruction set,
// so that a processor without AVX2 gets a sentence and not an illegal instruction.
#include "cuattr.h"
#include "device.h"
#include "processors.h"

#include <cpuid.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <memory>
#include <string>

// Bounds of the section in which gpu_host.cuh collects its entries; defined by the linker.
extern "C" const cuattr::KernelEntry *const __start_cuattr_kernels[];
extern "C" const cuattr::KernelEntry *const __stop_cuattr_kernels[];

namespace {

using cuattr::KernelEntry;

// What a function handle points to.
struct Function {
    const KernelEntry *kernel = nullptr;
    cuattr::BlockCost cost;
};

thread_local std::string last_error;
std::atomic<int> chosen_threads{0};

int fail(int status, std::string why) {
    last_error = std::move(why);
    return status;
}

// Runs a body that returns a status; what it throws becomes a status too.
template <class F> int guarded(F body) noexcept {
    try {
        return body();
    } catch (const std::exception &e) {
        return fail(CUATTR_UNKNOWN, std::string("The native library failed: ") + e.what() + ".");
    } catch (...) {
        return fail(CUATTR_UNKNOWN, "The native library failed for an unknown reason.");
    }
}

int kernel_count() { return static_cast<int>(__stop_cuattr_kernels - __start_cuattr_kernels); }

// One for each kernel, in the order of the section.
Function *functions() {
    static const std::unique_ptr<Function[]> all = [] {
        auto made = std::make_unique<Function[]>(static_cast<size_t>(kernel_count()));
        for (int i = 0; i < kernel_count(); i++) made[i].kernel = __start_cuattr_kernels[i];
        return made;
    }();
    return all.get();
}

int default_threads() {
    static const int available = cuattr::usable_processors();
    return available;
}

int threads_now() {
    const int chosen = chosen_threads.load(std::memory_order_relaxed);
    return chosen > 0 ? chosen : default_threads();
}

bool processor_supported() {
    __builtin_cpu_init();
#if CUATTR_X86_64_LEVEL == 4
    return __builtin_cpu_supports("x86-64-v4");
#else
    return __builtin_cpu_supports("x86-64-v3");
#endif
}

const char *instruction_set() { return CUATTR_X86_64_LEVEL == 4 ? "AVX-512" : "AVX2"; }

std::string processor_name() {
    unsigned words[12] = {};
    for (unsigned i = 0; i < 3; i++)
        if (!__get_cpuid(0x80000002u + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2], &words[4 * i + 3])) return "unknown processor";
    char text[sizeof words + 1] = {};
    std::memcpy(text, words, sizeof words);
    std::string name(text);
    while (!name.empty() && name.back() == ' ') name.pop_back();
    return name;
}

} // namespace

int cuattr_abi_version(void) { return CUATTR_ABI_VERSION; }

const char *cuattr_last_error(void) { return last_error.c_str(); }

int cuattr_get_function(void **function, const char *name) {
    return guarded([&] {
        if (!function || !name)
            return fail(CUATTR_INVALID_VALUE, "cuattr_get_function needs a place for the function and a name; one of them is null.");
        *function = nullptr;
        if (!processor_supported())
            return fail(CUATTR_NOT_SUPPORTED,
                        std::string("This processor (") + processor_name() + ") lacks " + instruction_set() +
                            ", which this library was built for; use the build for a lower instruction set or another machine.");
        for (int i = 0; i < kernel_count(); i++)
            if (!std::strcmp(__start_cuattr_kernels[i]->name, name)) {
                *function = &functions()[i];
                return int{CUATTR_SUCCESS};
            }
        return fail(CUATTR_NOT_FOUND,
                    std::string("No kernel is named '") + name + "'; check the spelling, or rebuild the native library if the kernel is new.");
    });
}

int cuattr_function_info(void *function, int *block_size, int *param_bytes, int *shared_bytes) {
    return guarded([&] {
        if (!function || !block_size || !param_bytes || !shared_bytes)
            return fail(CUATTR_INVALID_VALUE, "cuattr_function_info needs a function and three places for its answer; one of them is null.");
        const KernelEntry *kernel = static_cast<const Function *>(function)->kernel;
        *block_size = kernel->block_threads;
        *param_bytes = kernel->param_bytes;
        *shared_bytes = kernel->dynamic_shared_bytes;
        return int{CUATTR_SUCCESS};
    });
}

const char *cuattr_kernel_name(int index) { return index >= 0 && index < kernel_count() ? __start_cuattr_kernels[index]->name : nullptr; }

int cuattr_launch_kernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned shared_bytes, const void *params) {
    return guarded([&] {
        if (!function) return fail(CUATTR_INVALID_VALUE, "cuattr_launch_kernel needs a function; it is null.");
        auto &[kernel, cost] = *static_cast<Function *>(function);
        const auto refuse = [name = kernel->name](int status, const std::string &why) { return fail(status, std::string(name) + ": " + why); };
        if (!params) return refuse(CUATTR_INVALID_VALUE, "the parameters are null; pass the address of the params struct.");
        if (!gx || !gy || !gz || gx > 0x7fffffffu || gy > 65535 || gz > 65535)
            return refuse(CUATTR_INVALID_VALUE, "the grid (" + std::to_string(gx) + ", " + std::to_string(gy) + ", " + std::to_string(gz) +
                                                    ") is outside 1..2147483647 x 1..65535 x 1..65535.");
        if (!bx || bx > static_cast<unsigned>(kernel->block_threads))
            return refuse(CUATTR_INVALID_VALUE, "a block of " + std::to_string(bx) + " threads is outside its launch bound 1.." +
                                                    std::to_string(kernel->block_threads) + ".");
        if (kernel->whole_block && bx != static_cast<unsigned>(kernel->block_threads) && !cuattr::one_thread_blocks())
            return refuse(CUATTR_INVALID_VALUE,
                          "it needs whole blocks of " + std::to_string(kernel->block_threads) + " threads, not " + std::to_string(bx) + ".");
        if (shared_bytes != static_cast<unsigned>(kernel->dynamic_shared_bytes))
            return refuse(CUATTR_INVALID_VALUE, std::to_string(shared_bytes) + " bytes of dynamic shared memory were passed; it is declared with " +
                                                    std::to_string(kernel->dynamic_shared_bytes) + ".");
        const std::string why = cuattr::run_grid({kernel, &cost, {gx, gy, gz}, bx, params, threads_now()});
        return why.empty() ? int{CUATTR_SUCCESS} : refuse(CUATTR_LAUNCH_FAILED, why);
    });
}

int cuattr_device_name(char *buffer, int n) {
    return guarded([&] {
        if (!buffer || n <= 0) return fail(CUATTR_INVALID_VALUE, "cuattr_device_name needs a buffer of at least one byte.");
        const std::string name = std::string(cuattr::device_kind()) + ", " + instruction_set() + ", " + processor_name();
        const size_t length = std::min<size_t>(name.size(), static_cast<size_t>(n) - 1);
        std::memcpy(buffer, name.data(), length);
        buffer[length] = 0;
        return int{CUATTR_SUCCESS};
    });
}

int cuattr_set_threads(int n) {
    return guarded([&] {
        if (n < 0 || n > 4096)
            return fail(CUATTR_INVALID_VALUE, "cuattr_set_threads: " + std::to_string(n) + " is outside 0..4096 (0: one for each processor that the process may use).");
        chosen_threads.store(n, std::memory_order_relaxed);
        return int{CUATTR_SUCCESS};
    });
}

int cuattr_threads(void) { return threads_now(); }

int cuattr_option(const char *name, int value) {
    return guarded([&] {
        if (!name) return fail(CUATTR_INVALID_VALUE, "cuattr_option needs a name; it is null.");
        if (!cuattr::set_option(name, value)) return fail(CUATTR_INVALID_VALUE, std::string("This device has no option '") + name + "'.");
        return int{CUATTR_SUCCESS};
    });
}
