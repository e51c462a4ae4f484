#include "wrong.h"

#include <cstdint>
#include <cstdio>
#include <string>

#include "host_library.h"
#include "selftest_params.h"

int run_wrong_kernel(const char *kernel) {
    const HostLibrary &simt = simt_library();
    if (!simt.find(kernel)) {
        std::fprintf(stderr, "%s\n", simt.last_error().c_str());
        return 2;
    }
    // Exactly as large as a right kernel would need, so that any excess leaves the buffer.
    std::vector<float> x(64, 1.0f), y(128);
    const unsigned blocks = kernel == std::string("wrong_block_overlap") ? 2 : 1;
    const int status = simt.launch(kernel, {blocks}, 64, WrongParams{x.data(), y.data(), 64});
    if (status) std::fprintf(stderr, "%s\n", simt.last_error().c_str());
    return status ? 1 : 0;
}
