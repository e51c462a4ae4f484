// The parameter structs of selftest.cu and selftest_wrong.cu, for the kernels and for the tests that launch them. The includer brings
// the integer types.
#pragma once

struct SelftestMapParams {
    const float *x;
    float *y;
    long long n;
};

struct SelftestScalarParams {
    const float *a, *b, *c;
    float *y;
    int n;
};

struct SelftestVectorParams {
    const float *a, *b, *c;
    float *y;
    float s;
    int n;
};

struct SelftestIndexParams {
    uint32_t *y;
};

struct SelftestReduceParams {
    const float *x;
    float *y;
    int n, repeats;
};

struct SelftestSumIntegerParams {
    const uint8_t *a, *b;
    int64_t *y;
    int n;
};

struct SelftestRowsParams {
    const float *x;
    float *sums, *maxima;
    int rows, n;
};

struct SelftestTransposeParams {
    const float *x;
    float *y;
};

struct SelftestPhiloxParams {
    const uint32_t *counters;
    uint32_t *words;
    float *uniforms;
    float *normals;
    uint32_t key0, key1;
    int n;
};

struct WrongParams {
    const float *x;
    float *y;
    int n;
};
