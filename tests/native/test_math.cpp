// Elementary functions against the C library's float64 functions, over bit patterns spread evenly through all of binary32, and the
// same bits in every build.
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>

#include "check.h"
#include "host_library.h"
#include "selftest_params.h"

namespace {

struct Function {
    const char *kernel;
    double bound;   // largest error in ulp, as math.cuh states it
    double largest; // |x| up to here
    std::function<double(double)> exact;
};

const double everything = std::numeric_limits<double>::infinity();
const Function functions[] = {
    {"selftest_exp_f32", 1.1, everything, [](double x) { return std::exp(x); }},
    {"selftest_log_f32", 1.0, everything, [](double x) { return std::log(x); }},
    {"selftest_tanh_f32", 1.4, everything, [](double x) { return std::tanh(x); }},
    {"selftest_sigmoid_f32", 2.5, everything, [](double x) { return 1 / (1 + std::exp(-x)); }},
    {"selftest_erf_f32", 1.1, everything, [](double x) { return std::erf(x); }},
    {"selftest_sin_f32", 0.9, 131072, [](double x) { return std::sin(x); }},
    {"selftest_cos_f32", 0.9, 131072, [](double x) { return std::cos(x); }},
};

// |y - exact| in units in the last place of the exact value in binary32; infinite where one is NaN or Inf and the other is not.
double error_in_ulp(float y, double exact) {
    if (std::isnan(exact)) return std::isnan(y) ? 0 : everything;
    const double largest = std::numeric_limits<float>::max();
    const double overflow = largest + std::ldexp(1.0, 103); // rounds to Inf from here
    if (std::abs(exact) >= overflow)
        return y == (exact > 0 ? everything : -everything) ? 0 : std::isfinite(y) && std::abs(exact) < overflow * (1 + 1e-7) ? 1 : everything;
    if (!std::isfinite(y)) return std::isinf(y) && std::abs(exact) > largest * (1 - 1e-7) ? 1 : everything;
    int exponent = 0;
    std::frexp(exact, &exponent);
    return std::abs(y - exact) / std::ldexp(1.0, std::max(exponent - 24, -149));
}

std::vector<float> special_arguments() {
    const float inf = std::numeric_limits<float>::infinity();
    std::vector<float> x{0.0f,      1.0f,         2.0f,   0.5f, 88.72283f,  88.72284f,  89.0f,  103.97f,        103.98f,         104.5f,
                         87.33654f, 131072.0f,    0.625f, 4.0f, 3.1415927f, 1.5707964f, 1e-45f, 1.1754942e-38f, 1.17549435e-38f, 3.4028235e38f,
                         inf,       std::nanf("")};
    for (size_t i = 0, n = x.size(); i < n; i++) x.push_back(-x[i]);
    return x;
}

// Every step-th bit pattern and the special arguments.
std::vector<float> arguments(uint32_t step) {
    std::vector<float> x = special_arguments();
    for (uint64_t bits = 0; bits < (1ull << 32); bits += step) {
        float value;
        const auto word = static_cast<uint32_t>(bits);
        std::memcpy(&value, &word, sizeof value);
        x.push_back(value);
    }
    return x;
}

std::vector<float> evaluate(const HostLibrary &library, const Function &function, const std::vector<float> &x) {
    std::vector<float> y(x.size());
    const auto blocks = static_cast<unsigned>((x.size() + 4095) / 4096);
    library.run(function.kernel, {blocks}, block_sizes(library, 256).back(), SelftestMapParams{x.data(), y.data(), static_cast<long long>(x.size())});
    return y;
}

float value_of(const char *kernel, float x) {
    float y = 0;
    all_libraries().front()->run(kernel, {1}, 1, SelftestMapParams{&x, &y, 1});
    return y;
}

// A prime, so that the low bits take all values; 421 gives 10.2 million arguments.
constexpr uint32_t dense_step = CUATTR_TEST_SANITIZED ? 100003 : 421;

} // namespace

TEST(math, errors_stay_below_the_stated_bounds) {
    const std::vector<float> x = arguments(dense_step);
    for (const Function &function : functions) {
        const std::vector<float> y = evaluate(*all_libraries().front(), function, x);
        double worst = 0;
        float worst_x = 0;
        for (size_t i = 0; i < x.size(); i++) {
            if (std::abs(x[i]) > function.largest) {
                CHECK(std::isnan(y[i]));
                continue;
            }
            const double error = error_in_ulp(y[i], function.exact(x[i]));
            if (error > worst) {
                worst = error;
                worst_x = x[i];
            }
        }
        std::printf("  %-22s %zu arguments, largest error %.4f ulp at %.9g (bound %.2f)\n", function.kernel, x.size(), worst, worst_x,
                    function.bound);
        CHECK(worst <= function.bound);
    }
}

TEST(math, every_build_gives_the_same_bits) {
    const std::vector<float> x = arguments(dense_step);
    for (const Function &function : functions) {
        const std::vector<float> first = evaluate(*all_libraries().front(), function, x);
        for (size_t k = 1; k < all_libraries().size(); k++) {
            const std::vector<float> other = evaluate(*all_libraries()[k], function, x);
            CHECK(same_bits(first.data(), other.data(), x.size()));
        }
    }
}

TEST(math, limits_are_exact) {
    const float inf = std::numeric_limits<float>::infinity();
    CHECK_EQUAL(value_of("selftest_exp_f32", 0.0f), 1.0f);
    CHECK_EQUAL(value_of("selftest_exp_f32", -inf), 0.0f);
    CHECK_EQUAL(value_of("selftest_exp_f32", inf), inf);
    CHECK_EQUAL(value_of("selftest_log_f32", 0.0f), -inf);
    CHECK_EQUAL(value_of("selftest_log_f32", -0.0f), -inf);
    CHECK_EQUAL(value_of("selftest_log_f32", 1.0f), 0.0f);
    CHECK_EQUAL(value_of("selftest_log_f32", inf), inf);
    CHECK(std::isnan(value_of("selftest_log_f32", -1.0f)));
    CHECK_EQUAL(value_of("selftest_tanh_f32", -inf), -1.0f);
    CHECK_EQUAL(value_of("selftest_erf_f32", inf), 1.0f);
    CHECK_EQUAL(value_of("selftest_sigmoid_f32", 0.0f), 0.5f);
    CHECK_EQUAL(value_of("selftest_sigmoid_f32", -inf), 0.0f);
    CHECK_EQUAL(value_of("selftest_sigmoid_f32", inf), 1.0f);
    CHECK_EQUAL(value_of("selftest_cos_f32", 0.0f), 1.0f);
    CHECK(std::isnan(value_of("selftest_sin_f32", inf)));
    for (const char *odd : {"selftest_sin_f32", "selftest_tanh_f32", "selftest_erf_f32"}) {
        CHECK(value_of(odd, -0.0f) == 0.0f && std::signbit(value_of(odd, -0.0f)));
        CHECK(value_of(odd, 0.0f) == 0.0f && !std::signbit(value_of(odd, 0.0f)));
        CHECK_EQUAL(value_of(odd, 1e-40f), odd == std::string("selftest_erf_f32") ? static_cast<float>(std::erf(1e-40f)) : 1e-40f);
    }
    for (const Function &function : functions) CHECK(std::isnan(value_of(function.kernel, std::nanf(""))));
}
