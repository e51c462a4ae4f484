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

struct SelftestBf16Params {
    const float *x;
    uint32_t *y;
    int n; // pairs
};

// One warp; per lane 4 registers of a, 2 of b, 4 of c; c is also the result.
struct SelftestMmaParams {
    const uint32_t *a, *b;
    float *c;
};

struct SelftestMatricesParams {
    const uint16_t *x;            // [32, 8]: four matrices
    uint32_t *plain, *transposed; // [32 lanes, 4]
};

struct SelftestTileParams {
    uint32_t *words;  // [rows, cols]: where each value lies
    uint32_t *stores; // [256]: where each thread of the block puts its first quad
    int shape;        // 0: 128 x 32, 1: 32 x 128, 2: 32 x 64
};

struct WrongParams {
    const float *x;
    float *y;
    int n;
};
