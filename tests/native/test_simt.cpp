// What only the SIMT runtime does: random order, deadlock and divergence reports, NaN in unwritten shared memory, limits.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "check.h"
#include "cuattr.h"
#include "host_library.h"
#include "selftest_params.h"

namespace {

struct Buffers {
    std::vector<float> x = std::vector<float>(64, 1.0f), y = std::vector<float>(128);
    WrongParams params() { return {x.data(), y.data(), 64}; }
};

// Launches a wrong kernel and returns the sentence it failed with.
std::string failure_of(const char *kernel) {
    Buffers buffers;
    const int status = simt_library().launch(kernel, {3, 2}, 64, buffers.params());
    CHECK_EQUAL(status, CUATTR_LAUNCH_FAILED);
    return status ? simt_library().last_error() : "";
}

} // namespace

TEST(simt, names_a_deadlock) {
    const std::string why = failure_of("wrong_divergent_barrier");
    CHECK_CONTAINS(why, "wrong_divergent_barrier");
    CHECK_CONTAINS(why, "block (0, 0, 0)");
    CHECK_CONTAINS(why, "deadlock: 24 of 64 threads have ended while 40 wait");
    CHECK_CONTAINS(why, "selftest_wrong.cu:");
}

TEST(simt, names_a_divergent_barrier) {
    const std::string why = failure_of("wrong_two_barriers");
    CHECK_CONTAINS(why, "wrong_two_barriers");
    CHECK_CONTAINS(why, "divergent barrier");
    CHECK_CONTAINS(why, "thread 40");
}

TEST(simt, names_a_lane_that_does_not_come) {
    const std::string why = failure_of("wrong_missing_lane");
    CHECK_CONTAINS(why, "deadlock: thread 32 waits for its warp at mma.cuh:");
    CHECK_CONTAINS(why, "thread 37 of its warp has ended");
    const std::string barrier = failure_of("wrong_barrier_in_warp");
    CHECK_CONTAINS(barrier, "thread 32 waits for its warp");
    CHECK_CONTAINS(barrier, "thread 40 of its warp waits at the barrier of selftest_wrong.cu:");
    Buffers buffers;
    CHECK_EQUAL(simt_library().launch("wrong_missing_lane", {1}, 16, buffers.params()), CUATTR_LAUNCH_FAILED);
    CHECK_CONTAINS(simt_library().last_error(), "thread 16 of its warp is not there, because the block has 16 threads");
}

TEST(simt, names_a_divergent_warp) { CHECK_CONTAINS(failure_of("wrong_divergent_warp"), "divergent warp: thread 0 waits for its warp at mma.cuh:"); }

TEST(simt, limits_shared_memory) { CHECK_CONTAINS(failure_of("wrong_too_much_shared"), "65536 bytes of shared memory"); }

TEST(simt, limits_dynamic_shared_memory) {
    CHECK_CONTAINS(failure_of("wrong_undeclared_dynamic"), "declare it with KERNEL_SHARED");
    CHECK_CONTAINS(failure_of("wrong_too_much_dynamic"), "240640 bytes of shared memory");
}

TEST(simt, checks_aligned_access) {
    CHECK_CONTAINS(failure_of("wrong_misaligned_vector"), "multiple of 16");
    CHECK_CONTAINS(failure_of("wrong_misaligned_matrices"), "multiple of 16");
}

TEST(simt, works_on_after_a_failure) {
    for (int k = 0; k < 3; k++) {
        failure_of("wrong_divergent_barrier");
        failure_of("wrong_too_much_shared");
        failure_of("wrong_missing_lane");
        const std::vector<float> x = normal_numbers(2048, 9);
        std::vector<float> y(2048);
        simt_library().run("selftest_transpose_f32", {2}, 256, SelftestTransposeParams{x.data(), y.data()});
        for (int i = 0; i < 1024; i++) CHECK(y[i] == x[i % 32 * 32 + i / 32]);
    }
}

TEST(simt, fills_unwritten_shared_memory_with_nan) {
    Buffers buffers;
    simt_library().run("wrong_unwritten_shared", {1}, 64, buffers.params());
    for (int i = 0; i < 64; i++) CHECK(std::isnan(buffers.y[i]));
    // What a block before has written is gone.
    for (int k = 0; k < 2; k++) {
        std::fill(buffers.y.begin(), buffers.y.end(), 0.0f);
        simt_library().run("wrong_unwritten_dynamic", {2}, 64, buffers.params());
        for (int i = 0; i < 128; i++) CHECK(std::isnan(buffers.y[i]));
    }
}

TEST(simt, random_order_changes_no_right_result) {
    const HostLibrary &simt = simt_library();
    const int n = 777;
    const std::vector<float> x = normal_numbers(n + 2, 3);
    std::vector<float> ordered(3 * 1024 * 5), shuffled(3 * 1024 * 5);
    simt.run("selftest_reduce_f32", {1}, 256, SelftestReduceParams{x.data(), ordered.data(), n, 3});
    for (int seed : {1, 2, -3}) {
        simt.option("random_order", seed);
        simt.run("selftest_reduce_f32", {1}, 256, SelftestReduceParams{x.data(), shuffled.data(), n, 3});
        CHECK(same_bits(ordered.data(), shuffled.data(), ordered.size()));
    }
    simt.option("random_order", 0);
}

#if !CUATTR_TEST_SANITIZED
TEST(simt, random_order_shows_a_missing_barrier) {
    // In index order thread 0 reads what nobody has written yet; in another order other threads do.
    const HostLibrary &simt = simt_library();
    Buffers buffers;
    int different = 0;
    std::vector<float> before;
    for (int seed = 0; seed < 4; seed++) {
        simt.option("random_order", seed);
        simt.run("wrong_missing_barrier", {1}, 64, buffers.params());
        if (seed) different += !same_bits(before.data(), buffers.y.data(), 64);
        before = buffers.y;
    }
    simt.option("random_order", 0);
    CHECK_EQUAL(different, 3);
}
#endif
