// Block and row reductions: the order that reduce.cuh promises, element by element; the same bits for every block size and library.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "check.h"
#include "host_library.h"
#include "selftest_params.h"

namespace {

// The order of reduce.cuh written down plainly: lanes in index order, then halves.
template <class Combine> float in_lane_order(const float *x, int n, int lanes, float empty, Combine combine) {
    std::vector<float> lane(lanes, empty);
    for (int i = 0; i < n; i++) lane[i % lanes] = combine(lane[i % lanes], x[i]);
    for (int width = lanes / 2; width > 0; width /= 2)
        for (int l = 0; l < width; l++) lane[l] = combine(lane[l], lane[l + width]);
    return lane[0];
}

float ordered_sum(const float *x, int n, int lanes) {
    return in_lane_order(x, n, lanes, 0.0f, [](float a, float b) { return a + b; });
}

float plain_max(const float *x, int n) {
    float largest = -std::numeric_limits<float>::infinity();
    for (int i = 0; i < n; i++) {
        if (std::isnan(x[i])) return x[i];
        largest = std::max(largest, x[i]);
    }
    return largest;
}

const int lengths[] = {0, 1, 31, 32, 33, 255, 257, 1023, 1025, 4099};

void check_reductions(const std::vector<float> &x, int n) {
    constexpr int repeats = 3;
    for (const auto &library : all_libraries())
        for (unsigned block : block_sizes(*library, 1024)) {
            std::vector<float> y(repeats * 1024 * 5, -77.0f);
            library->run("selftest_reduce_f32", {1}, block, SelftestReduceParams{x.data(), y.data(), n, repeats});
            for (int k = 0; k < repeats; k++) {
                const float *part = x.data() + k;
                const float expected[] = {ordered_sum(part, n, 32), ordered_sum(part, n, 256), ordered_sum(part, n, 1024), plain_max(part, n),
                                          plain_max(part, n)};
                for (unsigned t = 0; t < block; t++)
                    if (!same_bits(&y[(k * 1024 + t) * 5], expected, 5)) {
                        report_failure(__FILE__, __LINE__,
                                       library->name() + ": n " + std::to_string(n) + ", block " + std::to_string(block) + ", thread " +
                                           std::to_string(t));
                        break;
                    }
            }
        }
}

} // namespace

TEST(reduce, keeps_its_order_for_every_block_size) {
    for (int n : lengths) check_reductions(normal_numbers(n + 2, 11), n);
}

TEST(reduce, order_matters_to_these_numbers) {
    // If the expected values did not depend on the lane count, the test above would show nothing.
    int different = 0;
    for (unsigned seed = 0; seed < 10; seed++) {
        const std::vector<float> x = normal_numbers(4099, seed);
        different += ordered_sum(x.data(), 4099, 32) != ordered_sum(x.data(), 4099, 256);
    }
    CHECK(different >= 5);
}

TEST(reduce, sums_close_to_float64) {
    const int n = 100003;
    const std::vector<float> x = uniform_numbers(n, 0.0f, 1.0f, 12);
    double exact = 0;
    for (float v : x) exact += v;
    std::vector<float> y(1024 * 5);
    const HostLibrary &library = *all_libraries().front();
    library.run("selftest_reduce_f32", {1}, block_sizes(library, 256).back(), SelftestReduceParams{x.data(), y.data(), n, 1});
    // A lane adds about n / lanes numbers, a relative error of at most 2^-24 each.
    CHECK(std::abs(y[0] - exact) / exact < n / 32 * std::ldexp(1.0, -24));
    CHECK(std::abs(y[1] - exact) / exact < n / 256 * std::ldexp(1.0, -24));
}

TEST(reduce, special_values) {
    const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
    for (float special : {inf, -inf, nan})
        for (int at : {0, 100, 300}) {
            std::vector<float> x = normal_numbers(303, 13);
            x[at] = special;
            check_reductions(x, 301);
        }
    check_reductions(std::vector<float>(303, -inf), 301);
    check_reductions(std::vector<float>(303, -0.0f), 301);
}

TEST(reduce, integer_sums_are_exact) {
    for (int n : {0, 1, 12288, 100001}) {
        std::vector<uint8_t> a(n), b(n);
        int64_t expected = 0;
        for (int i = 0; i < n; i++) {
            a[i] = static_cast<uint8_t>(i * 37 % 251);
            b[i] = static_cast<uint8_t>(i % 7 ? 255 - i % 256 : 0);
            expected += (a[i] - b[i]) * (a[i] - b[i]);
        }
        for (const auto &library : all_libraries())
            for (unsigned block : block_sizes(*library, 256)) {
                std::vector<int64_t> y(256);
                library->run("selftest_sum_i64", {1}, block, SelftestSumIntegerParams{a.data(), b.data(), y.data(), n});
                for (unsigned t = 0; t < block; t++) CHECK_EQUAL(y[t], expected);
            }
    }
}

TEST(reduce, rows_keep_their_order_for_every_block_size) {
    for (int rows : {1, 7, 8, 19})
        for (int n : {1, 32, 77, 321}) {
            const std::vector<float> x = normal_numbers(static_cast<size_t>(rows) * n, 14);
            for (const auto &library : all_libraries())
                for (unsigned block : block_sizes(*library, 256)) {
                    std::vector<float> sums(rows), maxima(rows);
                    library->run("selftest_rows_f32", {static_cast<unsigned>(rows + 7) / 8}, block,
                                 SelftestRowsParams{x.data(), sums.data(), maxima.data(), rows, n});
                    for (int r = 0; r < rows; r++) {
                        CHECK_EQUAL(sums[r], ordered_sum(&x[r * n], n, 32));
                        CHECK_EQUAL(maxima[r], plain_max(&x[r * n], n));
                    }
                }
        }
}
