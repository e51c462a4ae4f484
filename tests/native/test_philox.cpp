// Philox4x32-10: the known answers of Random123 (file kat_vectors), uniform and normal numbers.
#include <cmath>
#include <cstdint>

#include "check.h"
#include "host_library.h"
#include "selftest_params.h"

namespace {

struct Result {
    std::vector<uint32_t> words;
    std::vector<float> uniforms, normals;
};

Result generate(const HostLibrary &library, const std::vector<uint32_t> &counters, uint32_t key0, uint32_t key1) {
    Result r{std::vector<uint32_t>(counters.size()), std::vector<float>(counters.size()), std::vector<float>(counters.size())};
    library.run("selftest_philox_u32", {1}, block_sizes(library, 256).back(),
                SelftestPhiloxParams{counters.data(), r.words.data(), r.uniforms.data(), r.normals.data(), key0, key1,
                                     static_cast<int>(counters.size() / 4)});
    return r;
}

std::vector<uint32_t> counting(uint32_t n) {
    std::vector<uint32_t> counters(4 * n);
    for (uint32_t i = 0; i < n; i++) counters[4 * i] = i;
    return counters;
}

} // namespace

TEST(philox, known_answers) {
    struct {
        std::vector<uint32_t> counter;
        uint32_t key0, key1;
        std::vector<uint32_t> words;
    } const cases[] = {
        {{0, 0, 0, 0}, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, ~0u, ~0u, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (const auto &library : all_libraries())
        for (const auto &c : cases) CHECK(generate(*library, c.counter, c.key0, c.key1).words == c.words);
}

TEST(philox, uniforms_lie_in_the_half_open_interval) {
    const Result r = generate(*all_libraries().front(), counting(50000), 1, 2);
    double mean = 0;
    for (size_t i = 0; i < r.words.size(); i++) {
        CHECK(r.uniforms[i] > 0.0f && r.uniforms[i] <= 1.0f);
        CHECK(r.uniforms[i] == static_cast<float>(((r.words[i] >> 8) + 1) * std::ldexp(1.0, -24)));
        mean += r.uniforms[i] / r.words.size();
    }
    CHECK(std::abs(mean - 0.5) < 5 * std::sqrt(1.0 / 12 / r.words.size()));
}

TEST(philox, normals_follow_box_and_muller) {
    const size_t n = 200000;
    const Result r = generate(*all_libraries().front(), counting(n / 4), 3, 4);
    double sum = 0, squares = 0, fourth = 0;
    for (size_t i = 0; i < n; i += 2) {
        const double radius = std::sqrt(-2 * std::log(static_cast<double>(r.uniforms[i]))), angle = 2 * M_PI * r.uniforms[i + 1];
        CHECK(std::abs(r.normals[i] - radius * std::cos(angle)) < 3e-6);
        CHECK(std::abs(r.normals[i + 1] - radius * std::sin(angle)) < 3e-6);
    }
    for (float v : r.normals) {
        sum += v;
        squares += static_cast<double>(v) * v;
        fourth += std::pow(v, 4);
    }
    CHECK(std::abs(sum / n) < 5 / std::sqrt(n));
    CHECK(std::abs(squares / n - 1) < 5 * std::sqrt(2.0 / n));
    CHECK(std::abs(fourth / n - 3) < 5 * std::sqrt(96.0 / n));
}

TEST(philox, every_build_gives_the_same_bits) {
    const std::vector<uint32_t> counters = counting(5000);
    const Result first = generate(*all_libraries().front(), counters, 5, 6);
    for (const auto &library : all_libraries()) {
        const Result other = generate(*library, counters, 5, 6);
        CHECK(other.words == first.words);
        CHECK(same_bits(other.uniforms.data(), first.uniforms.data(), first.uniforms.size()));
        CHECK(same_bits(other.normals.data(), first.normals.data(), first.normals.size()));
    }
}
