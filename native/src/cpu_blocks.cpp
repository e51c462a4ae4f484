// The cpu device: one thread per block, blocks spread over operating-system threads.
//
// Invariant: a block's result depends on nothing but its index, so neither the number of threads nor the schedule changes a bit.
#include "device.h"

#include <algorithm>

namespace cuattr {

__thread KernelContext context;

std::string run_grid(const Launch &launch) {
    const long long blocks = launch.blocks();
    // Several portions a thread even out blocks of unequal cost; a portion is large enough to make the shared counter cheap.
    const long long portion = std::max(1LL, blocks / (8LL * launch.os_threads));
    const int team = static_cast<int>(std::min<long long>(blocks, launch.os_threads));
#pragma omp parallel for schedule(dynamic, portion) num_threads(team) if (team > 1)
    for (long long i = 0; i < blocks; i++) {
        context = {{0, 0, 0}, launch.block(i), {1, 1, 1}, launch.grid};
        launch.kernel->run_thread(launch.params);
    }
    return {};
}

bool set_option(const std::string &, int) { return false; }

bool one_thread_blocks() { return true; }

const char *device_kind() { return "cpu, one thread per block"; }

} // namespace cuattr
