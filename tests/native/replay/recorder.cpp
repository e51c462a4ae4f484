// A stand-in for libcuattr_simt.so that records what the program's own tests launch, so that the same launches can be replayed under the
// sanitizers (replay.cpp), which a managed process cannot be run under.
//
// Used twice in the same process: loaded beforehand (LD_PRELOAD), so that it sees the device memory that the program allocates, and
// as the simt library itself, whose calls it hands on to the real one in the folder above its own. Records go to
// $CUATTR_RECORDING.<process id>: for each kernel the first launches that differ in grid or scalar parameters and are small enough.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "../host_api.h"
#include "cuattr.h"
#include "recording.h"

extern "C" void *__libc_memalign(size_t alignment, size_t bytes);
extern "C" void __libc_free(void *memory);

namespace {

constexpr size_t device_alignment = 256;        // how the program allocates device memory, and hardly anything else
constexpr size_t most_bytes_a_launch = 1 << 20; // replays run up to a hundred times slower
constexpr uint64_t most_threads_a_launch = 1 << 16;
constexpr int most_launches_a_kernel = 12;

std::mutex gate;
thread_local bool inside = false; // the table's own allocations are not looked at

std::map<uintptr_t, size_t> &allocations() {
    static auto *const table = new std::map<uintptr_t, size_t>; // never destroyed: memory is freed until the very end
    return *table;
}

// Locks the table and marks this thread as working on it.
class TableAccess {
  public:
    TableAccess() : lock_(gate) { inside = true; }
    ~TableAccess() { inside = false; }

  private:
    std::lock_guard<std::mutex> lock_;
};

const HostApi &real() {
    static const HostApi api = [] {
        Dl_info self;
        dladdr(reinterpret_cast<void *>(&real), &self);
        const std::string path = self.dli_fname;
        return HostApi(path.substr(0, path.find_last_of('/')) + "/../libcuattr_simt.so");
    }();
    return api;
}

// Which buffers the parameters point into; false where a launch is too large to be replayed.
bool find_buffers(Recording &r, std::vector<uintptr_t> &starts) {
    size_t bytes = 0;
    for (size_t offset = 0; offset + 8 <= r.params.size(); offset += 8) {
        uintptr_t address;
        std::memcpy(&address, &r.params[offset], sizeof address);
        auto next = allocations().upper_bound(address);
        if (next == allocations().begin()) continue;
        const auto [start, size] = *std::prev(next);
        if (address >= start + size) continue;
        uint64_t buffer = 0;
        while (buffer < starts.size() && starts[buffer] != start) buffer++;
        if (buffer == starts.size()) {
            starts.push_back(start);
            r.buffers.emplace_back().before.resize(size);
            bytes += size;
        }
        r.pointers.push_back({offset, buffer, address - start});
    }
    return bytes <= most_bytes_a_launch;
}

// The launch without its addresses: launches that differ only in these are the same.
std::string signature(const Recording &r) {
    std::string text(reinterpret_cast<const char *>(r.params.data()), r.params.size());
    for (const Pointer &p : r.pointers) text.replace(p.offset, 8, std::string(8, '\0'));
    return text + std::string(reinterpret_cast<const char *>(r.grid), sizeof r.grid);
}

// Whether this launch is worth recording; fills in all but the memory's contents.
bool begin_recording(Recording &r, std::vector<uintptr_t> &starts, int block) {
    static std::map<std::string, std::set<std::string>> known;
    const TableAccess access;
    if (r.grid[0] * r.grid[1] * r.grid[2] * static_cast<uint64_t>(block) > most_threads_a_launch || !find_buffers(r, starts)) return false;
    auto &launches = known[r.kernel];
    return static_cast<int>(launches.size()) < most_launches_a_kernel && launches.insert(signature(r)).second;
}

void finish_recording(const Recording &r) {
    const TableAccess access;
    static auto *const writer = new RecordingWriter(std::getenv("CUATTR_RECORDING") + std::string(".") + std::to_string(getpid()));
    writer->write(r);
}

} // namespace

extern "C" CUATTR_API void *aligned_alloc(size_t alignment, size_t bytes) noexcept {
    void *const memory = __libc_memalign(alignment, bytes);
    if (memory && alignment == device_alignment && !inside) {
        const TableAccess access;
        allocations()[reinterpret_cast<uintptr_t>(memory)] = bytes;
    }
    return memory;
}

extern "C" CUATTR_API void free(void *memory) noexcept {
    if (memory && reinterpret_cast<uintptr_t>(memory) % device_alignment == 0 && !inside) {
        const TableAccess access;
        allocations().erase(reinterpret_cast<uintptr_t>(memory));
    }
    __libc_free(memory);
}

int cuattr_abi_version(void) { return real().abi_version(); }
const char *cuattr_last_error(void) { return real().last_error(); }
int cuattr_get_function(void **function, const char *name) { return real().get_function(function, name); }
int cuattr_function_info(void *function, int *block, int *bytes, int *shared) { return real().function_info(function, block, bytes, shared); }
const char *cuattr_kernel_name(int index) { return real().kernel_name(index); }
int cuattr_device_name(char *buffer, int n) { return real().device_name(buffer, n); }
int cuattr_set_threads(int n) { return real().set_threads(n); }
int cuattr_threads(void) { return real().threads(); }
int cuattr_option(const char *name, int value) { return real().option(name, value); }

int cuattr_launch_kernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned shared_bytes, const void *params) {
    const HostApi &api = real();
    int block = 0, bytes = 0, shared = 0;
    Recording r{{}, {gx, gy, gz}, {}, {}, {}};
    for (int i = 0; const char *name = api.kernel_name(i); i++) {
        void *candidate = nullptr;
        api.get_function(&candidate, name);
        if (candidate == function) r.kernel = name;
    }
    std::vector<uintptr_t> starts;
    bool recorded = std::getenv("CUATTR_RECORDING") && params && api.function_info(function, &block, &bytes, &shared) == CUATTR_SUCCESS;
    if (recorded) {
        const auto *first = static_cast<const unsigned char *>(params);
        r.params.assign(first, first + bytes);
        recorded = begin_recording(r, starts, block);
    }
    for (size_t i = 0; recorded && i < starts.size(); i++)
        std::memcpy(r.buffers[i].before.data(), reinterpret_cast<void *>(starts[i]), r.buffers[i].before.size());
    const int status = api.launch_kernel(function, gx, gy, gz, bx, shared_bytes, params);
    if (!recorded || status != CUATTR_SUCCESS) return status;
    for (size_t i = 0; i < starts.size(); i++) {
        const auto *first = reinterpret_cast<const unsigned char *>(starts[i]);
        r.buffers[i].after.assign(first, first + r.buffers[i].before.size());
    }
    finish_recording(r);
    return status;
}
