// The functions of cuattr.h, taken from a library that is loaded by path, as the product does it.
#pragma once

#include <string>

struct HostApi {
    // Loads the library; ends the program with the loader's message where it cannot be.
    explicit HostApi(const std::string &path);

    int (*abi_version)();
    const char *(*last_error)();
    int (*get_function)(void **, const char *);
    int (*function_info)(void *, int *, int *, int *);
    const char *(*kernel_name)(int);
    int (*launch_kernel)(void *, unsigned, unsigned, unsigned, unsigned, unsigned, const void *);
    int (*device_name)(char *, int);
    int (*set_threads)(int);
    int (*threads)();
    int (*option)(const char *, int);
};
