// The cpu device: one thread per block, blocks spread over operating-system threads.
//
// Invariant: a block's result depends on nothing but its index, so neither the number of threads nor the schedule changes a bit.
#include "device.h"

#include <cstdlib>
#include <memory>

namespace cuattr {

__thread KernelContext context;

namespace {

// Of this operating-system thread; on the heap, since a library's thread-local memory has to be small (see simt_blocks.cpp).
void *dynamic_shared() {
    struct Free {
        void operator()(void *memory) const { std::free(memory); }
    };
    thread_local const std::unique_ptr<void, Free> memory(std::aligned_alloc(dynamic_shared_alignment, max_block_shared_bytes));
    if (!memory) std::abort(); // 227 KB
    return memory.get();
}

} // namespace

std::string run_grid(const Launch &launch) {
    worker_pool().run(launch.blocks(), launch.os_threads, *launch.cost, [&launch](long long i) {
        context = {{0, 0, 0}, launch.block(i), {1, 1, 1}, launch.grid, launch.kernel->dynamic_shared_bytes ? dynamic_shared() : nullptr};
        launch.kernel->run_thread(launch.params);
    });
    return {};
}

bool set_option(const std::string &, int) { return false; }

bool one_thread_blocks() { return true; }

const char *device_kind() { return "cpu, one thread per block"; }

} // namespace cuattr
