// The seam between the C interface (host_device.cpp) and the two ways to run a grid (cpu_blocks.cpp, simt_blocks.cpp).
#pragma once

#include <string>

#include "kernel_entry.h"
#include "worker_pool.h"

namespace cuattr {

struct Launch {
    const KernelEntry *kernel;
    BlockCost *cost;
    Dim3 grid;
    unsigned block_threads;
    const void *params;
    int os_threads;

    long long blocks() const { return static_cast<long long>(grid.x) * grid.y * grid.z; }
    Dim3 block(long long index) const {
        return {static_cast<unsigned>(index % grid.x), static_cast<unsigned>(index / grid.x % grid.y),
                static_cast<unsigned>(index / (static_cast<long long>(grid.x) * grid.y))};
    }
};

// Runs every block of the grid; returns why it failed, empty on success.
std::string run_grid(const Launch &launch);

// Sets an option; returns false for a name that the device does not know.
bool set_option(const std::string &name, int value);

// Whether a block is one thread, whatever the block size asked for.
bool one_thread_blocks();

// "cpu" or "simt", then how it runs.
const char *device_kind();

} // namespace cuattr
