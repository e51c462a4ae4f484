// Elementary functions in binary32, from IEEE operations and bit patterns only: the same bits on every device and in every build,
// branch-free, so that a host compiler turns a loop that calls them into vector code.
#pragma once

#include "gpu.cuh"

namespace math_detail {

// Adding it to |x| < 2^22 rounds x to an integer, which then stands in the low bits of the sum.
constexpr float round_magic = 12582912.0f; // 1.5 * 2^23
constexpr uint32_t round_magic_bits = 0x4b400000u;

// 2^n for -126 <= n <= 127, n in two's complement.
DEVICE float power_of_two(uint32_t n) { return bits_((n + 127u) << 23); }

} // namespace math_detail

// e^x. Overflows to +Inf above 88.722839, underflows gradually; NaN stays NaN.
DEVICE float exp_(float x) {
    using namespace math_detail;
    const float c = max_(min_(x, 89.0f), -104.0f);
    const float t = fma_(c, 0x1.715476p+0f, round_magic);
    const float n = t - round_magic;
    float r = fma_(n, -0x1.62e400p-1f, c);
    r = fma_(n, -0x1.7f7d1cp-20f, r);
    float p = fma_(r, 1.38888889e-3f, 8.33333333e-3f);
    p = fma_(p, r, 4.16666667e-2f);
    p = fma_(p, r, 1.66666667e-1f);
    p = fma_(p, r, 0.5f);
    p = fma_(p, r, 1.0f);
    p = fma_(p, r, 1.0f);
    const uint32_t i = ubits_(t) - round_magic_bits;
    const uint32_t half = (uint32_t)((int32_t)i >> 1);
    return p * power_of_two(half) * power_of_two(i - half);
}
