#include "host_library.h"

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <random>

#include "check.h"
#include "cuattr.h"

namespace {

std::string program_folder() {
    char path[4096] = {};
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    const std::string program(path, length > 0 ? static_cast<size_t>(length) : 0);
    return program.substr(0, program.find_last_of('/'));
}

} // namespace

HostLibrary::HostLibrary(const std::string &name) : HostApi(program_folder() + "/libcuattr_test_" + name + ".so"), name_(name) {}

void *HostLibrary::find(const char *kernel) const {
    void *function = nullptr;
    get_function(&function, kernel);
    return function;
}

void HostLibrary::expect_success(const char *kernel, int status) const {
    if (status) report_failure(__FILE__, __LINE__, name_ + ": " + kernel + " returned " + std::to_string(status) + ": " + last_error());
}

const std::vector<std::unique_ptr<HostLibrary>> &all_libraries() {
    static const auto libraries = [] {
        std::vector<std::unique_ptr<HostLibrary>> list;
        for (const char *name : {CUATTR_TEST_LIBRARIES}) {
            auto library = std::make_unique<HostLibrary>(name);
            void *function = nullptr;
            if (library->get_function(&function, "selftest_exp_f32") == CUATTR_NOT_SUPPORTED)
                std::printf("  left out: %s\n", library->last_error().c_str());
            else
                list.push_back(std::move(library));
        }
        return list;
    }();
    return libraries;
}

const HostLibrary &simt_library() { return *all_libraries().back(); }

bool for_warps(const std::string &kernel) { return kernel.size() > 5 && kernel.compare(kernel.size() - 5, 5, "_bf16") == 0; }

std::vector<unsigned> block_sizes(const HostLibrary &library, unsigned launch_bound) {
    if (library.one_thread()) return {1};
    std::vector<unsigned> sizes;
    for (unsigned size : {1u, 32u, 64u, 96u, 256u, 1024u})
        if (size <= launch_bound) sizes.push_back(size);
    return sizes;
}

std::vector<float> normal_numbers(size_t count, unsigned seed) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> distribution;
    std::vector<float> numbers(count);
    for (float &x : numbers) x = distribution(generator);
    return numbers;
}

std::vector<float> uniform_numbers(size_t count, float low, float high, unsigned seed) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<float> distribution(low, high);
    std::vector<float> numbers(count);
    for (float &x : numbers) x = distribution(generator);
    return numbers;
}

bool same_bits(const float *a, const float *b, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (std::memcmp(a + i, b + i, sizeof(float)) && !(std::isnan(a[i]) && std::isnan(b[i]))) return false;
    return true;
}
