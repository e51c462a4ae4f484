#include "host_api.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

namespace {

template <class F> void resolve(void *handle, const char *symbol, F &function) {
    function = reinterpret_cast<F>(dlsym(handle, symbol));
    if (function) return;
    std::fprintf(stderr, "%s is not exported: %s\n", symbol, dlerror());
    std::exit(2);
}

} // namespace

HostApi::HostApi(const std::string &path) {
    void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        std::fprintf(stderr, "%s\n", dlerror());
        std::exit(2);
    }
    resolve(handle, "cuattr_abi_version", abi_version);
    resolve(handle, "cuattr_last_error", last_error);
    resolve(handle, "cuattr_get_function", get_function);
    resolve(handle, "cuattr_function_info", function_info);
    resolve(handle, "cuattr_kernel_name", kernel_name);
    resolve(handle, "cuattr_launch_kernel", launch_kernel);
    resolve(handle, "cuattr_device_name", device_name);
    resolve(handle, "cuattr_set_threads", set_threads);
    resolve(handle, "cuattr_threads", threads);
    resolve(handle, "cuattr_option", option);
}
