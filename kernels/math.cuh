// Elementary functions in binary32, from IEEE operations and bit patterns only: the same bits on every device and in every build,
// branch-free, so that a host compiler turns a loop that calls them into vector code. Polynomials: native/tools/fit_math.py.
//
// Largest error in units in the last place of the result, subnormal results included: stated (and tested), then found over all
// arguments of the range against float64.
//
//   exp_(x)      1.1  (1.013)  every x           log_(x)      1.0  (0.934)  every x
//   tanh_(x)     1.4  (1.332)  every x           sigmoid_(x)  2.5  (2.402)  every x
//   erf_(x)      1.1  (1.064)  every x           sin_, cos_   0.9  (0.835)  |x| <= 131,072, NaN beyond
//
// Limits are exact (exp_(-Inf) = 0, log_(0) = -Inf, tanh_(Inf) = 1, ...), NaN gives NaN, odd functions keep the sign of zero.
#pragma once

#include "gpu.cuh"

namespace math_detail {

// Adding it to |x| < 2^22 rounds x to an integer, which then stands in the low bits of the sum.
constexpr float round_magic = 0x1.8p+23f;
constexpr uint32_t round_magic_bits = 0x4b400000u;
constexpr uint32_t sign_bit = 0x80000000u;

// 2^n for -126 <= n <= 127, n in two's complement.
DEVICE float power_of_two(uint32_t n) { return bits_((n + 127u) << 23); }

DEVICE float infinity() { return bits_(0x7f800000u); }
DEVICE float not_a_number() { return bits_(0x7fc00000u); }

// y, negated where x is negative.
DEVICE float times_sign_of(float y, float x) { return bits_(ubits_(y) ^ (ubits_(x) & sign_bit)); }

// y, negated where bit 1 of quarter is set.
DEVICE float times_sign_of_quarter(float y, uint32_t quarter) { return bits_(ubits_(y) ^ ((quarter & 2u) << 30)); }

// x, but no more or no less than a limit; NaN stays NaN. One comparison with a constant: the two of max_ and min_ would let g++ thread jumps
// through the functions below, after which it no longer makes vector code of them.
DEVICE float at_most(float x, float limit) { return x > limit ? limit : x; }
DEVICE float at_least(float x, float limit) { return x < limit ? limit : x; }

constexpr float pi_half_head = 0x1.921fb6p+0f;
constexpr float pi_half_middle = -0x1.777a5cp-25f;
constexpr float pi_half_tail = -0x1.ee59dap-50f;
constexpr float largest_angle = 131072.0f;

// |x| = quarter * pi/2 + head + tail with |head| < 0.792, good to 2^-40 of head also next to a multiple of pi/2.
struct ReducedAngle {
    float head, tail;
    uint32_t quarter;
};

DEVICE ReducedAngle reduce_angle(float x) {
    const float a = abs_(x);
    const float t = fma_(a, 0x1.45f306p-1f, round_magic);
    const float n = t - round_magic;
    const float r = fma_(n, -pi_half_head, a); // exact: a multiple of 2^-24 below 1
    // r - n * middle as an unevaluated sum: product and difference each with their rounding error.
    const float product = n * pi_half_middle;
    const float product_error = fma_(n, pi_half_middle, -product);
    const float head = r - product;
    const float taken = head - r;
    const float head_error = (r - (head - taken)) - (product + taken);
    const float tail = fma_(n, -pi_half_tail, head_error - product_error);
    return {a <= largest_angle ? head : not_a_number(), tail, ubits_(t)};
}

// sin(head + tail) and cos(head + tail).
DEVICE float sin_reduced(float head, float tail) {
    const float z = head * head;
    float p = fma_(0x1.7b604ep-19f, z, -0x1.a056aep-13f);
    p = fma_(p, z, 0x1.111172p-7f);
    p = fma_(p, z, -0x1.555556p-3f);
    return head + fma_(p, z * head, tail);
}

DEVICE float cos_reduced(float head, float tail) {
    const float z = head * head;
    float p = fma_(0x1.99e054p-16f, z, -0x1.6c0c18p-10f);
    p = fma_(p, z, 0x1.55554ap-5f);
    const float half = 0.5f * z;
    const float w = 1.0f - half;
    const float lost = (1.0f - w) - half; // what rounding took from w
    return w + (lost + fma_(z * z, p, -(head * tail)));
}

} // namespace math_detail

// e^x. +Inf above 88.722839; gradual underflow.
DEVICE float exp_(float x) {
    using namespace math_detail;
    const float c = at_least(at_most(x, 89.0f), -104.0f);
    const float t = fma_(c, 0x1.715476p+0f, round_magic);
    const float n = t - round_magic;
    const float r = fma_(n, 0x1.05c610p-29f, fma_(n, -0x1.62e430p-1f, c));
    float p = fma_(0x1.6a495ep-10f, r, 0x1.1239a0p-7f);
    p = fma_(p, r, 0x1.5558b4p-5f);
    p = fma_(p, r, 0x1.555492p-3f);
    p = fma_(p, r, 0x1.fffffcp-2f);
    const float y = 1.0f + fma_(p, r * r, r);
    // 2^n in two factors: n reaches from -150 to 128. The first product is exact, the second rounds once where it is subnormal.
    const uint32_t i = ubits_(t) - round_magic_bits;
    const uint32_t half = (uint32_t)((int32_t)i >> 1);
    return y * power_of_two(half) * power_of_two(i - half);
}

// Natural logarithm. -Inf at 0, NaN below.
DEVICE float log_(float x) {
    using namespace math_detail;
    const bool subnormal = x < 0x1p-126f;
    const uint32_t u = ubits_(subnormal ? x * 0x1p+23f : x);
    const float bias = subnormal ? -23.0f : 0.0f;
    // x = 2^e * (1 + f) with 2/3 <= 1 + f < 4/3
    const uint32_t e = (u - 0x3f2aaaabu) & 0xff800000u;
    const float f = bits_(u - e) - 1.0f;
    const float k = (float)((int32_t)e >> 23) + bias;
    float p = fma_(-0x1.07dd72p-3f, f, 0x1.1e703ap-3f);
    p = fma_(p, f, -0x1.f3279ep-4f);
    p = fma_(p, f, 0x1.1ed4e4p-3f);
    p = fma_(p, f, -0x1.559cc8p-3f);
    p = fma_(p, f, 0x1.99d054p-3f);
    p = fma_(p, f, -0x1.fffef8p-3f);
    p = fma_(p, f, 0x1.555506p-2f);
    p = fma_(p, f, -0.5f);
    const float y = fma_(k, 0x1.62e430p-1f, fma_(k, -0x1.05c610p-29f, fma_(p, f * f, f)));
    const float edge = x == 0.0f ? -infinity() : x > 0.0f ? x : not_a_number();
    return x > 0.0f && x < infinity() ? y : edge;
}

// Hyperbolic tangent.
DEVICE float tanh_(float x) {
    using namespace math_detail;
    const float a = abs_(x);
    const float z = a * a;
    float p = fma_(0x1.1a2818p-9f, z, -0x1.0c5ed0p-7f);
    p = fma_(p, z, 0x1.63a550p-6f);
    p = fma_(p, z, -0x1.b9f188p-5f);
    p = fma_(p, z, 0x1.11107ap-3f);
    p = fma_(p, z, -0x1.555554p-2f);
    const float near_zero = fma_(p, z * a, a);
    const float far = 1.0f - 2.0f / (exp_(2.0f * at_most(a, 10.0f)) + 1.0f);
    return times_sign_of(a < 0.625f ? near_zero : far, x);
}

// 1 / (1 + e^-x).
DEVICE float sigmoid_(float x) {
    const float e = exp_(-abs_(x));
    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

// Error function.
DEVICE float erf_(float x) {
    using namespace math_detail;
    const float a = abs_(x);
    const float z = a * a;
    float p = fma_(0x1.4771fcp-14f, z, -0x1.a3515ep-11f);
    p = fma_(p, z, 0x1.53f224p-8f);
    p = fma_(p, z, -0x1.b7f71ap-6f);
    p = fma_(p, z, 0x1.ce2ce6p-4f);
    p = fma_(p, z, -0x1.81273ep-2f);
    p = fma_(p, z, 0x1.06eba8p-3f);
    const float near_zero = fma_(p, a, a);
    const float c = at_most(a, 4.0f); // erf(4) is 1 to within 2^-25
    float q = fma_(-0x1.91a10ap-13f, c, 0x1.892956p-9f);
    q = fma_(q, c, -0x1.694d2cp-6f);
    q = fma_(q, c, 0x1.a835dap-4f);
    q = fma_(q, c, 0x1.467382p-1f);
    q = fma_(q, c, 0x1.04f7f8p-3f);
    q = fma_(q, c, 0x1.0ce71ep-12f);
    const float far = 1.0f - exp_(-(c + q));
    return times_sign_of(a < 1.0f ? near_zero : far, x);
}

// Sine and cosine of an angle in radians.
DEVICE float sin_(float x) {
    using namespace math_detail;
    const ReducedAngle r = reduce_angle(x);
    const float y = r.quarter & 1u ? cos_reduced(r.head, r.tail) : sin_reduced(r.head, r.tail);
    return times_sign_of(times_sign_of_quarter(y, r.quarter), x);
}

DEVICE float cos_(float x) {
    using namespace math_detail;
    const ReducedAngle r = reduce_angle(x);
    const float y = r.quarter & 1u ? sin_reduced(r.head, r.tail) : cos_reduced(r.head, r.tail);
    return times_sign_of_quarter(y, r.quarter + 1u);
}
