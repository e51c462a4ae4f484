#include "replay.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#include "../host_library.h"
#include "cuattr.h"
#include "recording.h"

namespace {

// The recorded memory again, each buffer an allocation of its own so that a step beyond it is seen.
class Memory {
  public:
    explicit Memory(const Recording &r) : recording_(r), params_(r.params) {
        for (const Buffer &b : r.buffers) {
            void *copy = nullptr;
            if (posix_memalign(&copy, 256, b.before.size())) std::abort();
            std::memcpy(copy, b.before.data(), b.before.size());
            buffers_.push_back(static_cast<unsigned char *>(copy));
        }
        for (const Pointer &p : r.pointers) {
            unsigned char *const address = buffers_[p.buffer] + p.within;
            std::memcpy(&params_[p.offset], &address, sizeof address);
        }
    }
    Memory(const Memory &) = delete;
    Memory &operator=(const Memory &) = delete;
    ~Memory() {
        for (unsigned char *b : buffers_) std::free(b);
    }

    const void *params() const { return params_.data(); }

    // Describes the first word that differs from what was recorded; empty where there is none. Any NaN equals any NaN.
    std::string difference() const {
        for (size_t i = 0; i < buffers_.size(); i++) {
            const std::vector<unsigned char> &expected = recording_.buffers[i].after;
            for (size_t at = 0; at + 4 <= expected.size(); at += 4) {
                if (!std::memcmp(buffers_[i] + at, &expected[at], 4)) continue;
                float found, wanted;
                std::memcpy(&found, buffers_[i] + at, 4);
                std::memcpy(&wanted, &expected[at], 4);
                if (std::isnan(found) && std::isnan(wanted)) continue;
                return "buffer " + std::to_string(i) + ", byte " + std::to_string(at) + ": " + std::to_string(found) + ", recorded " +
                       std::to_string(wanted);
            }
        }
        return {};
    }

  private:
    const Recording &recording_;
    std::vector<unsigned char> params_;
    std::vector<unsigned char *> buffers_;
};

struct Variation {
    unsigned block;
    int random_order;
};

std::vector<Variation> variations(const HostLibrary &library, unsigned bound) {
    if (library.one_thread()) return {{1, 0}};
    if (CUATTR_TEST_SANITIZED) return {{bound, 0}, {bound / 2, 7}};
    return {{bound, 0}, {bound, 7}, {bound / 2, 0}, {96 < bound ? 96 : bound, 8}, {1, 0}};
}

// Returns the number of replays that failed.
int replay(const HostLibrary &library, const Recording &r) {
    if (library.one_thread() && for_warps(r.kernel)) return 0;
    void *const function = library.find(r.kernel.c_str());
    int bound = 0, bytes = 0, shared = 0, failed = 0;
    if (!function || library.function_info(function, &bound, &bytes, &shared) != CUATTR_SUCCESS || bytes != static_cast<int>(r.params.size())) {
        std::printf("  %s: %s has changed since the recording\n", library.name().c_str(), r.kernel.c_str());
        return 1;
    }
    for (const Variation &v : variations(library, static_cast<unsigned>(bound))) {
        const Memory memory(r);
        if (!library.one_thread()) library.option("random_order", v.random_order);
        const int status = library.launch_kernel(function, static_cast<unsigned>(r.grid[0]), static_cast<unsigned>(r.grid[1]),
                                                 static_cast<unsigned>(r.grid[2]), v.block, static_cast<unsigned>(shared),
                                                 memory.params());
        if (status == CUATTR_INVALID_VALUE && v.block < static_cast<unsigned>(bound)) continue; // it needs whole blocks
        const std::string why = status ? library.last_error() : memory.difference();
        if (why.empty()) continue;
        std::printf("  %s: %s, grid (%llu, %llu, %llu), block %u, order %d: %s\n", library.name().c_str(), r.kernel.c_str(),
                    static_cast<unsigned long long>(r.grid[0]), static_cast<unsigned long long>(r.grid[1]),
                    static_cast<unsigned long long>(r.grid[2]), v.block, v.random_order, why.c_str());
        failed++;
    }
    return failed;
}

} // namespace

int replay_recordings(const std::vector<std::string> &files) {
    for (const auto &library : all_libraries()) library->set_threads(3); // more than the processors of a small machine
    std::set<std::string> exercised;
    int launches = 0, failed = 0;
    for (const std::string &file : files) {
        RecordingReader reader(file);
        if (!reader.good()) {
            std::fprintf(stderr, "%s is no recording\n", file.c_str());
            return 2;
        }
        for (Recording r; reader.read(r); launches++) {
            exercised.insert(r.kernel);
            for (const auto &library : all_libraries()) failed += replay(*library, r);
        }
    }
    for (int i = 0; const char *name = simt_library().kernel_name(i); i++) {
        const std::string kernel = name;
        // Kernels of the tests, and those that only measure the machine.
        const bool exempt = kernel.rfind("selftest_", 0) == 0 || kernel.rfind("wrong_", 0) == 0 || kernel.rfind("roofline_", 0) == 0;
        if (exempt || exercised.count(kernel)) continue;
        std::printf("  %s: no recorded launch\n", name);
        failed++;
    }
    std::printf("%d launches of %zu kernels replayed, %d failed\n", launches, exercised.size(), failed);
    return failed > 0;
}
