// Philox4x32-10, the counter-based random generator of Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3"
// (SC 2011): ten rounds turn a 128-bit counter and a 64-bit key into four independent 32-bit words. No state: the same counter and
// key give the same words on every device, in any order.
#pragma once

#include "gpu.cuh"
#include "math.cuh"

struct Philox4 {
    uint32_t x, y, z, w;
};

struct FloatPair {
    float a, b;
};

namespace philox_detail {

DEVICE uint32_t high_product(uint32_t a, uint32_t b) { return (uint32_t)(((uint64_t)a * b) >> 32); }

DEVICE Philox4 round(Philox4 c, uint32_t key0, uint32_t key1) {
    constexpr uint32_t multiplier0 = 0xd2511f53u, multiplier1 = 0xcd9e8d57u;
    return {high_product(multiplier1, c.z) ^ c.y ^ key0, multiplier1 * c.z, high_product(multiplier0, c.x) ^ c.w ^ key1, multiplier0 * c.x};
}

} // namespace philox_detail

// The four words of a counter under a key.
DEVICE Philox4 philox4x32_10(Philox4 counter, uint32_t key0, uint32_t key1) {
    constexpr uint32_t weyl0 = 0x9e3779b9u, weyl1 = 0xbb67ae85u;
    UNROLL
    for (int i = 0; i < 10; i++) {
        counter = philox_detail::round(counter, key0, key1);
        key0 += weyl0;
        key1 += weyl1;
    }
    return counter;
}

// A word as a number in (0, 1]: one of 2^24 equally likely multiples of 2^-24, exact.
DEVICE float uniform_(uint32_t word) { return (float)(int32_t)((word >> 8) + 1u) * 0x1p-24f; }

// Two words as two independent standard normal numbers (Box and Muller); |value| <= 5.77.
DEVICE FloatPair normal_pair(uint32_t word0, uint32_t word1) {
    const float radius = sqrt_(-2.0f * log_(uniform_(word0)));
    const float angle = 0x1.921fb6p+2f * uniform_(word1); // 2 pi u
    return {radius * cos_(angle), radius * sin_(angle)};
}
