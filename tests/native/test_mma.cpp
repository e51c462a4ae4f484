// Tensor-core wrappers on simt: rounding to BF16, the fragment layouts of the PTX manual, and shared-memory tiles without bank conflicts.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <set>

#include "check.h"
#include "host_library.h"
#include "selftest_params.h"

namespace {

float float_of(uint32_t bits) {
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

// The nearest BF16 by distance, from the two that enclose x; of two equally near ones that with an even last digit. Half a step past the
// largest finite value and beyond is infinite.
uint16_t nearest_bf16(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    const auto below = static_cast<uint16_t>(bits >> 16);
    const double value = std::fabs(static_cast<double>(x)), limit = std::ldexp(1.0, 128);
    const auto magnitude = [&](uint32_t half) { return (half & 0x7fffu) == 0x7f80u ? limit : static_cast<double>(float_of((half & 0x7fffu) << 16)); };
    const double down = value - magnitude(below), up = magnitude(below + 1u) - value;
    if (std::isinf(x) || down == 0) return below;
    return down < up || (down == up && below % 2 == 0) ? below : static_cast<uint16_t>(below + 1);
}

uint16_t exact_bf16(int x) { return nearest_bf16(static_cast<float>(x)); }

} // namespace

TEST(mma, rounds_to_the_nearest_bf16) {
    std::vector<float> x;
    for (uint32_t half = 0; half < 65536; half++)
        for (uint32_t rest : {0x0000u, 0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) x.push_back(float_of(half << 16 | rest));
    std::mt19937 generator(4);
    for (int i = 0; i < 100000; i++) x.push_back(float_of(generator()));
    const int pairs = static_cast<int>(x.size() / 2);
    std::vector<uint32_t> y(pairs);
    simt_library().run("selftest_round_bf16", {1}, 256, SelftestBf16Params{x.data(), y.data(), pairs});
    int wrong = 0;
    for (int i = 0; i < 2 * pairs; i++) {
        const uint32_t found = y[i / 2] >> (i % 2 * 16) & 0xffffu;
        wrong += std::isnan(x[i]) ? !std::isnan(float_of(found << 16)) : found != nearest_bf16(x[i]);
    }
    CHECK_EQUAL(wrong, 0);
}

// d = a b + c with small integers, exact in any order. Fragments as the PTX manual numbers them: element i of a lane's fragment.
TEST(mma, multiplies_fragments_of_the_manual) {
    std::mt19937 generator(5);
    const auto digit = [&] { return static_cast<int>(generator() % 17) - 8; };
    int a[16][16], b[16][8], c[16][8];
    for (auto &row : a)
        for (int &v : row) v = digit();
    for (auto &row : b)
        for (int &v : row) v = digit();
    for (auto &row : c)
        for (int &v : row) v = digit();
    uint16_t fa[32][8], fb[32][4];
    float fc[32][4];
    const auto group = [](int lane) { return lane / 4; };
    const auto in_group = [](int lane) { return lane % 4; };
    const auto c_row = [&](int lane, int i) { return group(lane) + (i < 2 ? 0 : 8); };
    const auto c_col = [&](int lane, int i) { return in_group(lane) * 2 + i % 2; };
    for (int lane = 0; lane < 32; lane++) {
        for (int i = 0; i < 8; i++) {
            const int row = group(lane) + (i < 2 || (4 <= i && i < 6) ? 0 : 8), col = in_group(lane) * 2 + i % 2 + (i < 4 ? 0 : 8);
            fa[lane][i] = exact_bf16(a[row][col]);
        }
        for (int i = 0; i < 4; i++) {
            fb[lane][i] = exact_bf16(b[in_group(lane) * 2 + i % 2 + (i < 2 ? 0 : 8)][group(lane)]);
            fc[lane][i] = static_cast<float>(c[c_row(lane, i)][c_col(lane, i)]);
        }
    }
    uint32_t ra[32 * 4], rb[32 * 2];
    std::memcpy(ra, fa, sizeof ra);
    std::memcpy(rb, fb, sizeof rb);
    simt_library().run("selftest_mma_f32_bf16", {1}, 32, SelftestMmaParams{ra, rb, &fc[0][0]});
    for (int lane = 0; lane < 32; lane++)
        for (int i = 0; i < 4; i++) {
            int expected = c[c_row(lane, i)][c_col(lane, i)];
            for (int k = 0; k < 16; k++) expected += a[c_row(lane, i)][k] * b[k][c_col(lane, i)];
            CHECK_EQUAL(fc[lane][i], static_cast<float>(expected));
        }
}

TEST(mma, keeps_infinity_and_nan) {
    std::vector<uint32_t> a(32 * 4, 0x3f803f80u), b(32 * 2, 0x3f803f80u); // ones
    std::vector<float> c(32 * 4, 0.0f);
    a[0] = 0x3f807f80u;     // row 0, column 0: infinity
    a[4 * 4] = 0x3f807fc0u; // row 1, column 0: NaN
    simt_library().run("selftest_mma_f32_bf16", {1}, 32, SelftestMmaParams{a.data(), b.data(), c.data()});
    for (int lane = 0; lane < 32; lane++)
        for (int i = 0; i < 2; i++) {
            if (lane / 4 == 0) CHECK(std::isinf(c[4 * lane + i]));
            if (lane / 4 == 1) CHECK(std::isnan(c[4 * lane + i]));
            if (lane / 4 > 1) CHECK_EQUAL(c[4 * lane + i], 16.0f);
        }
}

TEST(mma, loads_matrices_plain_and_transposed) {
    std::vector<uint16_t> x(32 * 8);
    for (size_t i = 0; i < x.size(); i++) x[i] = static_cast<uint16_t>(i);
    std::vector<uint32_t> plain(32 * 4), transposed(32 * 4);
    simt_library().run("selftest_matrices_bf16", {1}, 32, SelftestMatricesParams{x.data(), plain.data(), transposed.data()});
    for (int lane = 0; lane < 32; lane++)
        for (int m = 0; m < 4; m++) {
            const auto value = [&](int row, int col) { return static_cast<uint32_t>((8 * m + row) * 8 + col); };
            const int g = lane / 4, t = lane % 4;
            CHECK_EQUAL(plain[4 * lane + m], value(g, 2 * t) | value(g, 2 * t + 1) << 16);
            CHECK_EQUAL(transposed[4 * lane + m], value(2 * t, g) | value(2 * t + 1, g) << 16);
        }
}

TEST(mma, tiles_have_no_bank_conflicts) {
    const int shapes[][2] = {{128, 32}, {32, 128}, {32, 64}};
    for (int s = 0; s < 3; s++) {
        const int rows = shapes[s][0], cols = shapes[s][1];
        std::vector<uint32_t> words(rows * cols), stores(256);
        simt_library().run("selftest_tile_bf16", {1}, 256, SelftestTileParams{words.data(), stores.data(), s});
        CHECK_EQUAL(std::set<uint32_t>(words.begin(), words.end()).size(), words.size() / 2);
        CHECK(*std::max_element(words.begin(), words.end()) == words.size() / 2 - 1);
        // Eight rows of one chunk of 16 bytes, as one matrix is loaded: all 32 banks.
        for (int row = 0; row < rows; row += 8)
            for (int col = 0; col < cols; col += 8) {
                std::set<uint32_t> banks;
                for (int r = 0; r < 8; r++)
                    for (int c = 0; c < 8; c++) banks.insert(words[(row + r) * cols + col + c] % 32);
                CHECK_EQUAL(banks.size(), size_t{32});
            }
        // Half a warp stores two words a thread: all 32 banks.
        for (int half = 0; half < 256; half += 16) {
            std::set<uint32_t> banks;
            for (int t = half; t < half + 16; t++) banks.insert({stores[t] % 32, (stores[t] + 1) % 32});
            CHECK_EQUAL(banks.size(), size_t{32});
        }
    }
}
