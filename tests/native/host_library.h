// The host device libraries under test and what tests need around them.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "host_api.h"

struct Grid {
    unsigned x = 1, y = 1, z = 1;
};

// A host device library of the tests, and how to launch on it.
class HostLibrary : public HostApi {
  public:
    // The test library libcuattr_test_<name>.so beside this program.
    explicit HostLibrary(const std::string &name);

    const std::string &name() const { return name_; }
    bool one_thread() const { return name_.rfind("cpu", 0) == 0; }
    std::string last_error() const { return HostApi::last_error(); }
    // Null where there is no such kernel.
    void *find(const char *kernel) const;

    // Launches and checks that it succeeded.
    template <class Params> void run(const char *kernel, Grid grid, unsigned block, const Params &params) const {
        expect_success(kernel, launch(kernel, grid, block, params));
    }
    // Launches and returns the status.
    template <class Params> int launch(const char *kernel, Grid grid, unsigned block, const Params &params) const {
        void *const function = find(kernel);
        int bound = 0, bytes = 0, shared = 0;
        function_info(function, &bound, &bytes, &shared);
        return launch_kernel(function, grid.x, grid.y, grid.z, block, static_cast<unsigned>(shared), &params);
    }

  private:
    void expect_success(const char *kernel, int status) const;

    std::string name_;
};

// Every library that this machine can run: in the plain build cpu_avx2, cpu_avx512 (where the processor has it) and simt; in the
// sanitizer builds those with that sanitizer. simt is the last.
const std::vector<std::unique_ptr<HostLibrary>> &all_libraries();

// The simt library of this build.
const HostLibrary &simt_library();

// Whether a kernel works with whole warps, which the cpu libraries do not have: such names end in bf16.
bool for_warps(const std::string &kernel);

// Block sizes to try on a library: one for a device with one thread a block, several for a real one.
std::vector<unsigned> block_sizes(const HostLibrary &library, unsigned launch_bound);

// Reproducible numbers: standard normal, and uniform in [low, high).
std::vector<float> normal_numbers(size_t count, unsigned seed);
std::vector<float> uniform_numbers(size_t count, float low, float high, unsigned seed);

// Equal bit for bit; any NaN equals any NaN.
bool same_bits(const float *a, const float *b, size_t count);
