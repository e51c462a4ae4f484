// Scalar helpers and vecf: IEEE results, element for element the same in every build.
#include <cmath>
#include <cstdint>
#include <limits>

#include "check.h"
#include "host_library.h"
#include "selftest_params.h"

namespace {

// NaN wins; of two zeros the second is returned.
float larger(float a, float b) { return std::isnan(a) ? a : std::isnan(b) ? b : a > b ? a : b; }
float smaller(float a, float b) { return std::isnan(a) ? a : std::isnan(b) ? b : a < b ? a : b; }

std::vector<float> with_specials(unsigned seed) {
    std::vector<float> x = normal_numbers(1000, seed);
    const float inf = std::numeric_limits<float>::infinity();
    const float specials[] = {0.0f, -0.0f, inf, -inf, std::nanf(""), 1e-42f, -3e-39f, 3e38f, 0.5f, 1.5f, 2.5f, -0.5f};
    for (size_t i = 0; i < x.size(); i += 3) x[i] = specials[(i / 3 * seed) % std::size(specials)];
    return x;
}

} // namespace

TEST(scalar, helpers_are_ieee) {
    const std::vector<float> a = with_specials(5), b = with_specials(7), c = with_specials(11);
    const int n = static_cast<int>(a.size());
    std::vector<float> expected(8 * n);
    for (int i = 0; i < n; i++) {
        const float product = a[i] * b[i]; // a separate statement: rounded before the sum
        const float values[] = {std::fma(a[i], b[i], c[i]),
                                product + c[i],
                                a[i] / b[i],
                                std::sqrt(a[i]),
                                std::nearbyint(a[i]),
                                larger(a[i], b[i]),
                                smaller(a[i], b[i]),
                                std::isnan(a[i]) ? a[i] : std::nextafter(std::abs(a[i]), std::numeric_limits<float>::infinity())};
        std::copy(std::begin(values), std::end(values), &expected[8 * i]);
        if (std::isinf(a[i])) expected[8 * i + 7] = std::nanf(""); // the bit pattern after Inf
    }
    for (const auto &library : all_libraries()) {
        std::vector<float> y(8 * n);
        library->run("selftest_scalar_f32", {1}, block_sizes(*library, 256).back(), SelftestScalarParams{a.data(), b.data(), c.data(), y.data(), n});
        for (int i = 0; i < 8 * n; i++)
            if (!same_bits(&y[i], &expected[i], 1)) {
                report_failure(__FILE__, __LINE__,
                               library->name() + ": helper " + std::to_string(i % 8) + " of triple " + std::to_string(i / 8) + ": " +
                                   std::to_string(y[i]) + ", expected " + std::to_string(expected[i]));
                break;
            }
    }
}

TEST(scalar, vectors_are_their_lanes) {
    const float s = 0.37f;
    for (int n : {64, 65, 71, 79, 100, 127, 128}) {
        const std::vector<float> a = normal_numbers(n, 1), b = normal_numbers(n, 2), c = normal_numbers(n, 3);
        std::vector<float> expected(n + 64 + 1, -5.0f);
        for (int i = 0; i < n; i++) expected[i] = (std::fma(a[i], b[i], c[i]) + a[i]) * s;
        for (int i = 0; i < 64; i++) expected[n + i] = a[i];
        for (const auto &library : all_libraries())
            for (unsigned block : block_sizes(*library, 256)) {
                std::vector<float> y(n + 64 + 1, -5.0f);
                library->run("selftest_vector_f32", {1}, block, SelftestVectorParams{a.data(), b.data(), c.data(), y.data(), s, n});
                CHECK(same_bits(y.data(), expected.data(), y.size()));
            }
    }
}
