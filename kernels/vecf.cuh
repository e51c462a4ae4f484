// vecf: VECF_LANES neighbouring floats in registers, for tiles whose lanes are independent output elements. Included by gpu.cuh.
//
// cpu AVX-512: 16 lanes, cpu AVX2: 8, simt and device: 4. Lane l of every operation is the scalar operation of the same name on
// lane l, so a result does not depend on the lane count as long as lanes are never added up.
// Loads and stores need 4-byte alignment only; the _aligned ones need a pointer at a multiple of sizeof(vecf) (checked on simt).
#pragma once

#if defined(CUATTR_CPU) && defined(__AVX512F__)

#include <immintrin.h>

typedef __m512 vecf;
constexpr int VECF_LANES = 16;
DEVICE vecf v_zero() { return _mm512_setzero_ps(); }
DEVICE vecf v_set1(float x) { return _mm512_set1_ps(x); }
DEVICE vecf v_load(const float *x) { return _mm512_loadu_ps(x); }
DEVICE vecf v_load_aligned(const float *x) { return _mm512_load_ps(x); }
DEVICE void v_store(float *y, vecf v) { _mm512_storeu_ps(y, v); }
DEVICE void v_store_aligned(float *y, vecf v) { _mm512_store_ps(y, v); }
DEVICE vecf v_fma(vecf a, vecf b, vecf c) { return _mm512_fmadd_ps(a, b, c); }
DEVICE vecf v_add(vecf a, vecf b) { return _mm512_add_ps(a, b); }
DEVICE vecf v_mul(vecf a, vecf b) { return _mm512_mul_ps(a, b); }
// The first `count` lanes (0 .. VECF_LANES); the others are 0 on load and untouched on store.
DEVICE vecf v_load_n(const float *x, int count) { return _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), x); }
DEVICE void v_store_n(float *y, vecf v, int count) { _mm512_mask_storeu_ps(y, (__mmask16)((1u << count) - 1), v); }

#elif defined(CUATTR_CPU) && defined(__AVX2__) && defined(__FMA__)

#include <immintrin.h>

typedef __m256 vecf;
constexpr int VECF_LANES = 8;
DEVICE vecf v_zero() { return _mm256_setzero_ps(); }
DEVICE vecf v_set1(float x) { return _mm256_set1_ps(x); }
DEVICE vecf v_load(const float *x) { return _mm256_loadu_ps(x); }
DEVICE vecf v_load_aligned(const float *x) { return _mm256_load_ps(x); }
DEVICE void v_store(float *y, vecf v) { _mm256_storeu_ps(y, v); }
DEVICE void v_store_aligned(float *y, vecf v) { _mm256_store_ps(y, v); }
DEVICE vecf v_fma(vecf a, vecf b, vecf c) { return _mm256_fmadd_ps(a, b, c); }
DEVICE vecf v_add(vecf a, vecf b) { return _mm256_add_ps(a, b); }
DEVICE vecf v_mul(vecf a, vecf b) { return _mm256_mul_ps(a, b); }
DEVICE __m256i v_mask(int count) { return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)); }
DEVICE vecf v_load_n(const float *x, int count) { return _mm256_maskload_ps(x, v_mask(count)); }
DEVICE void v_store_n(float *y, vecf v, int count) { _mm256_maskstore_ps(y, v_mask(count), v); }

#else

struct alignas(16) vecf {
    float lane[4];
};
constexpr int VECF_LANES = 4;

DEVICE vecf v_set1(float x) { return {{x, x, x, x}}; }
DEVICE vecf v_zero() { return v_set1(0.0f); }
DEVICE vecf v_load(const float *x) { return {{x[0], x[1], x[2], x[3]}}; }
DEVICE vecf v_load_aligned(const float *x) {
#if defined(CUATTR_SIMT)
    cuattr::simt::check_alignment(x, sizeof(vecf));
#endif
    return *reinterpret_cast<const vecf *>(x);
}
DEVICE void v_store(float *y, vecf v) {
    for (int l = 0; l < 4; l++) y[l] = v.lane[l];
}
DEVICE void v_store_aligned(float *y, vecf v) {
#if defined(CUATTR_SIMT)
    cuattr::simt::check_alignment(y, sizeof(vecf));
#endif
    *reinterpret_cast<vecf *>(y) = v;
}
DEVICE vecf v_fma(vecf a, vecf b, vecf c) {
    for (int l = 0; l < 4; l++) c.lane[l] = fma_(a.lane[l], b.lane[l], c.lane[l]);
    return c;
}
DEVICE vecf v_add(vecf a, vecf b) {
    for (int l = 0; l < 4; l++) a.lane[l] = a.lane[l] + b.lane[l];
    return a;
}
DEVICE vecf v_mul(vecf a, vecf b) {
    for (int l = 0; l < 4; l++) a.lane[l] = a.lane[l] * b.lane[l];
    return a;
}
DEVICE vecf v_load_n(const float *x, int count) {
    vecf v = v_zero();
    for (int l = 0; l < 4; l++)
        if (l < count) v.lane[l] = x[l];
    return v;
}
DEVICE void v_store_n(float *y, vecf v, int count) {
    for (int l = 0; l < 4; l++)
        if (l < count) y[l] = v.lane[l];
}

#endif
