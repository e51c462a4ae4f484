// Parameters of products and convolutions that several versions of a kernel take.
#pragma once

struct GemmParams {
    const float *a;
    const float *b;
    const float *bias; // [N] or null
    float *c;
    int m, n, k;
    int accumulate;
};

struct GemmSplitParams {
    const float *a; // [K,M]
    const float *b; // [K,N]
    float *part;    // [S,M,N]
    int m, n, k;
    int chunk; // values of k per split
};

struct Conv2dParams {
    const float *x; // fwd: input; bwd_x: dy; bwd_w: input
    const float *w; // fwd: weights, transposed for the F32 version; bwd_x: weights; bwd_w: dy
    const float *b; // fwd: bias [O] or null
    float *y;       // fwd: output; bwd_x: dx; bwd_w: partial sums
    int n, h, width, c;
    int out_h, out_w, o;
    int kernel, stride, pad; // pad: rows above and columns left; those below and right follow from the extents
    int chunk;               // bwd_w: pixels per split
    int accumulate;          // bwd_x
};
