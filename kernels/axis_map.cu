// A linear map along one axis that each sample has its own matrix of, F32.
//
//   axis_map_f32   y[G,O,R] (+)= sum over I, ascending, of m[G / groups_per_matrix,O,I] x[G,I,R]; with `transposed` of m[...,I,O]
//
// The transposed map is the gradient.
#include "tile.cuh"

struct AxisMapParams {
    const float *x; // [G,I,R]
    const float *m; // [matrices,O,I], transposed: [matrices,I,O]
    float *y;       // [G,O,R]
    long long rows; // G * O
    int in, out, r;
    int groups_per_matrix, transposed, rows_per_block, accumulate;
};

KERNEL(axis_map_f32, AxisMapParams, 256) {
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    const int from_row = p.transposed ? 1 : p.in, from_column = p.transposed ? p.out : 1;
    each_cell(rows_here(p.rows, p.rows_per_block), p.r, [=](int row, int c) {
        const long long group = (first + row) / p.out;
        const int o = (int)((first + row) % p.out);
        const float *m = p.m + group / p.groups_per_matrix * p.in * p.out + (long long)o * from_row;
        const float *x = p.x + group * p.in * p.r + c;
        float sum = 0.0f;
        for (int i = 0; i < p.in; i++) sum = fma_(m[(long long)i * from_column], x[(long long)i * p.r], sum);
        put(p.y[(first + row) * p.r + c], sum, p.accumulate);
    });
}
