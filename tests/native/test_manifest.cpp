// The PTX module holds the same kernels as the host libraries, with the same launch bounds, parameter sizes and dynamic shared memory.
#include <cstdio>
#include <fstream>
#include <map>
#include <tuple>

#include "check.h"
#include "host_library.h"

TEST(manifest, ptx_and_host_hold_the_same_kernels) {
    using Facts = std::tuple<int, int, int>;
    std::map<std::string, Facts> ptx, host;
    std::ifstream manifest(CUATTR_TEST_MANIFEST);
    CHECK(manifest.good());
    for (std::string line; std::getline(manifest, line);) {
        char name[256];
        int block = 0, bytes = 0, shared = 0;
        if (std::sscanf(line.c_str(), " { \"name\": \"%255[^\"]\", \"block_size\": %d, \"param_bytes\": %d, \"dynamic_shared_bytes\": %d", name, &block, &bytes,
                        &shared) == 4)
            ptx[name] = {block, bytes, shared};
    }
    const HostLibrary &library = simt_library();
    for (int i = 0; const char *name = library.kernel_name(i); i++) {
        if (std::string(name).rfind("selftest_", 0) == 0 || std::string(name).rfind("wrong_", 0) == 0) continue;
        int block = 0, bytes = 0, shared = 0;
        library.function_info(library.find(name), &block, &bytes, &shared);
        host[name] = {block, bytes, shared};
    }
    CHECK(!ptx.empty());
    for (const auto &[name, facts] : host)
        if (!ptx.count(name) || ptx[name] != facts) report_failure(__FILE__, __LINE__, name + " differs between PTX and host, or the PTX lacks it");
    CHECK_EQUAL(ptx.size(), host.size());
}
