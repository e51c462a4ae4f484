// Elementwise and data-moving ops of the networks, F32; activations [N,H,W,C], tokens [N,L,C].
//
//   relu, silu, gelu, quick_gelu, tanh   y[n] = f(x[n]);  dx[n] (+)= dy[n] f'(x[n])
//   clamp                    y = min(max(x, low), high);  dx (+)= dy where low <= x <= high, else 0
//   geglu                    y[R,C] = a gelu(g) with x[R,2C] = (a, g);  dx[R,2C] (+)= (dy gelu(g), dy a gelu'(g))
//   add, add_into            y = a + b;  y += x
//   multiply                 y = a b;  da (+)= dy b, db (+)= dy a
//   divide                   y = a / b;  da (+)= dy / b, db (+)= -dy (a / b) / b
//   scale, offset            y = x factor;  y = x + shift
//   add_per_sample           y[N,P,C] = x[N,P,C] + t[N,C];  dt[N,C] (+)= sum over P of dy
//   add_rows                 y[N,R] = x[N,R] + p[R];  dp[R] (+)= sum over N of dy
//   concat                   y[R,A+B] = (a[R,A], b[R,B]);  da (+)= dy[:,:A], db (+)= dy[:,A:]
//   upsample2x               y[N,2H,2W,C] = x[N,h/2,w/2,C];  dx (+)= (dy00 + dy01) + (dy10 + dy11)
//   timestep_embedding       y[N,2D] = (cos(t f_i), sin(t f_i)), f_i = exp(-ln(10000) / D)^i
//   constant                 y = value
//   count_non_finite         count[b] = how many elements of the b-th CHUNK of x are NaN or infinite
//
// A backward adds to its gradient where `accumulate` is set and overwrites it otherwise.
#include "math.cuh"
#include "reduce.cuh"
#include "tile.cuh"

// ---- activations

// NaN passes; the slope at zero is zero.
DEVICE float relu(float x) { return x < 0.0f ? 0.0f : x; }

DEVICE float relu_slope(float x) { return x <= 0.0f ? 0.0f : 1.0f; }

DEVICE float silu(float x) { return x * sigmoid_(x); }

DEVICE float silu_slope(float x) {
    const float s = sigmoid_(x);
    return s * fma_(x, 1.0f - s, 1.0f);
}

DEVICE float quick_gelu(float x) { return x * sigmoid_(1.702f * x); }

DEVICE float quick_gelu_slope(float x) {
    const float z = 1.702f * x, s = sigmoid_(z);
    return s * fma_(z, 1.0f - s, 1.0f);
}

DEVICE float normal_cdf(float x) { return fma_(0.5f, erf_(x * 0.70710678f), 0.5f); }

DEVICE float gelu(float x) { return x * normal_cdf(x); }

DEVICE float gelu_slope(float x) { return fma_(x * 0.39894228f, exp_(-0.5f * x * x), normal_cdf(x)); }

struct ActivationParams {
    const float *x;
    float *y;
    long long n;
};

struct ActivationGradParams {
    const float *x;
    const float *dy;
    float *dx;
    long long n;
    int accumulate;
};

#define ACTIVATION(name)                                                                                                                             \
    KERNEL(name##_fwd_f32, ActivationParams, 256) {                                                                                                  \
        each_element(p.n, [=](long long i) { p.y[i] = name(p.x[i]); });                                                                              \
    }                                                                                                                                                \
    KERNEL(name##_bwd_f32, ActivationGradParams, 256) {                                                                                              \
        each_element(p.n, [=](long long i) { put(p.dx[i], p.dy[i] * name##_slope(p.x[i]), p.accumulate); });                                         \
    }

ACTIVATION(relu)
ACTIVATION(silu)
ACTIVATION(gelu)
ACTIVATION(quick_gelu)

KERNEL(tanh_fwd_f32, ActivationParams, 256) {
    each_element(p.n, [=](long long i) { p.y[i] = tanh_(p.x[i]); });
}

KERNEL(tanh_bwd_f32, ActivationGradParams, 256) {
    each_element(p.n, [=](long long i) {
        const float t = tanh_(p.x[i]);
        put(p.dx[i], p.dy[i] * fma_(-t, t, 1.0f), p.accumulate);
    });
}

struct ClampParams {
    const float *x;
    const float *dy; // bwd
    float *y;        // bwd: dx
    long long n;
    float low, high;
    int accumulate;
};

// NaN passes.
KERNEL(clamp_fwd_f32, ClampParams, 256) {
    each_element(p.n, [=](long long i) {
        const float x = p.x[i];
        p.y[i] = x < p.low ? p.low : x > p.high ? p.high : x;
    });
}

KERNEL(clamp_bwd_f32, ClampParams, 256) {
    each_element(p.n, [=](long long i) {
        const float x = p.x[i];
        put(p.y[i], x < p.low || x > p.high ? 0.0f : p.dy[i], p.accumulate);
    });
}

struct GegluParams {
    const float *x;  // [rows,2C]
    const float *dy; // bwd: [rows,C]
    float *y;        // fwd: [rows,C]; bwd: dx [rows,2C]
    long long rows;
    int c;
    int rows_per_block;
    int accumulate;
};

KERNEL(geglu_fwd_f32, GegluParams, 256) {
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    const float *x = p.x + first * 2 * p.c;
    float *y = p.y + first * p.c;
    each_cell(rows_here(p.rows, p.rows_per_block), p.c, [=](int r, int c) {
        const float *row = x + (long long)r * 2 * p.c;
        y[(long long)r * p.c + c] = row[c] * gelu(row[p.c + c]);
    });
}

KERNEL(geglu_bwd_f32, GegluParams, 256) {
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    const float *x = p.x + first * 2 * p.c;
    const float *dy = p.dy + first * p.c;
    float *dx = p.y + first * 2 * p.c;
    each_cell(rows_here(p.rows, p.rows_per_block), p.c, [=](int r, int c) {
        const long long at = (long long)r * 2 * p.c + c;
        const float a = x[at], g = x[at + p.c], d = dy[(long long)r * p.c + c];
        put(dx[at], d * gelu(g), p.accumulate);
        put(dx[at + p.c], d * a * gelu_slope(g), p.accumulate);
    });
}

// ---- sums

struct AddParams {
    const float *a;
    const float *b;
    float *y;
    long long n;
};

KERNEL(add_fwd_f32, AddParams, 256) {
    each_element(p.n, [=](long long i) { p.y[i] = p.a[i] + p.b[i]; });
}

struct AddIntoParams {
    const float *x;
    float *y;
    long long n;
};

KERNEL(add_into_f32, AddIntoParams, 256) {
    each_element(p.n, [=](long long i) { p.y[i] = p.y[i] + p.x[i]; });
}

struct ScaleParams {
    const float *x;
    float *y;
    long long n;
    float factor;
};

KERNEL(scale_f32, ScaleParams, 256) {
    each_element(p.n, [=](long long i) { p.y[i] = p.x[i] * p.factor; });
}

struct OffsetParams {
    const float *x;
    float *y;
    long long n;
    float shift;
};

KERNEL(offset_f32, OffsetParams, 256) {
    each_element(p.n, [=](long long i) { p.y[i] = p.x[i] + p.shift; });
}

// ---- products

struct ProductParams {
    const float *a;
    const float *b;
    const float *dy; // bwd
    float *y;        // bwd: da or db
    long long n;
    int accumulate;
};

KERNEL(multiply_fwd_f32, ProductParams, 256) {
    each_element(p.n, [=](long long i) { p.y[i] = p.a[i] * p.b[i]; });
}

KERNEL(multiply_bwd_a_f32, ProductParams, 256) {
    each_element(p.n, [=](long long i) { put(p.y[i], p.dy[i] * p.b[i], p.accumulate); });
}

KERNEL(multiply_bwd_b_f32, ProductParams, 256) {
    each_element(p.n, [=](long long i) { put(p.y[i], p.dy[i] * p.a[i], p.accumulate); });
}

KERNEL(divide_fwd_f32, ProductParams, 256) {
    each_element(p.n, [=](long long i) { p.y[i] = p.a[i] / p.b[i]; });
}

KERNEL(divide_bwd_a_f32, ProductParams, 256) {
    each_element(p.n, [=](long long i) { put(p.y[i], p.dy[i] / p.b[i], p.accumulate); });
}

KERNEL(divide_bwd_b_f32, ProductParams, 256) {
    each_element(p.n, [=](long long i) { put(p.y[i], -(p.dy[i] * (p.a[i] / p.b[i]) / p.b[i]), p.accumulate); });
}

// ---- sums over samples and pixels

struct AddPerSampleParams {
    const float *x; // [N,P,C]
    const float *t; // [N,C]
    float *y;
    int pixels;
    int c;
    int rows_per_block;
};

KERNEL(add_per_sample_fwd_f32, AddPerSampleParams, 256) {
    const float *t = p.t + (long long)blockIdx.y * p.c;
    const long long first = ((long long)blockIdx.y * p.pixels + (long long)blockIdx.x * p.rows_per_block) * p.c;
    const float *x = p.x + first;
    float *y = p.y + first;
    each_cell(rows_here(p.pixels, p.rows_per_block), p.c, [=](int r, int c) {
        const long long at = (long long)r * p.c + c;
        y[at] = x[at] + t[c];
    });
}

struct AddPerSampleGradParams {
    const float *dy; // [N,P,C]
    float *dt;       // [N,C]
    int pixels;
    int c;
    int accumulate;
};

KERNEL_CONSTANT(SUM_COLS, 32);
constexpr int SUM_LANES = 8;

// Block (x, y): SUM_COLS channels of sample y. Lane l sums the pixels l, l + SUM_LANES, ...; then a binary tree over the lanes.
KERNEL(add_per_sample_bwd_f32, AddPerSampleGradParams, 256) {
    SHARED(float, lane, SUM_LANES *SUM_COLS);
    const int c0 = blockIdx.x * SUM_COLS, cols = p.c - c0 < SUM_COLS ? p.c - c0 : SUM_COLS;
    const float *dy = p.dy + (long long)blockIdx.y * p.pixels * p.c + c0;
    if constexpr (ONE_THREAD) {
        for (int k = 0; k < SUM_LANES * SUM_COLS; k++) lane[k] = 0.0f;
        for (int i = 0; i < p.pixels; i++) {
            float *sum = lane + i % SUM_LANES * SUM_COLS;
            const float *row = dy + (long long)i * p.c;
            INDEPENDENT
            for (int c = 0; c < cols; c++) sum[c] = sum[c] + row[c];
        }
    } else {
        for (int k = threadIdx.x; k < SUM_LANES * SUM_COLS; k += blockDim.x) {
            const int c = k % SUM_COLS;
            float sum = 0.0f;
            if (c < cols)
                for (int i = k / SUM_COLS; i < p.pixels; i += SUM_LANES) sum = sum + dy[(long long)i * p.c + c];
            lane[k] = sum;
        }
    }
    for (int w = SUM_LANES / 2; w > 0; w /= 2) {
        __syncthreads();
        each_in(w * SUM_COLS, [&](int k) { lane[k] = lane[k] + lane[k + w * SUM_COLS]; });
    }
    __syncthreads();
    float *dt = p.dt + (long long)blockIdx.y * p.c + c0;
    each_in(cols, [&](int c) { put(dt[c], lane[c], p.accumulate); });
}

struct AddRowsParams {
    const float *x; // [N,R]; bwd: dy
    const float *p; // [R]
    float *y;       // fwd: [N,R]; bwd: dp [R]
    long long row;
    int n;
    int accumulate;
};

KERNEL(add_rows_fwd_f32, AddRowsParams, 256) {
    const long long sample = (long long)blockIdx.y * p.row;
    const float *x = p.x + sample;
    float *y = p.y + sample;
    each_element(p.row, [=](long long i) { y[i] = x[i] + p.p[i]; });
}

// Samples are added in ascending order.
KERNEL(add_rows_bwd_f32, AddRowsParams, 256) {
    SHARED(float, sum, CHUNK);
    const long long begin = (long long)blockIdx.x * CHUNK;
    const int count = (int)(p.row - begin < CHUNK ? p.row - begin : CHUNK);
    const float *dy = p.x + begin;
    float *dp = p.y + begin;
    each_in(count, [&](int i) { sum[i] = dy[i]; });
    for (int n = 1; n < p.n; n++) {
        const float *next = dy + n * p.row;
        each_in(count, [&](int i) { sum[i] = sum[i] + next[i]; });
    }
    each_in(count, [&](int i) { put(dp[i], sum[i], p.accumulate); });
}

// ---- data movement

struct ConcatParams {
    const float *a; // [rows,A]
    const float *b; // [rows,B]
    float *y;       // [rows,A+B]
    long long rows;
    int a_cols, b_cols;
    int rows_per_block;
};

KERNEL(concat_fwd_f32, ConcatParams, 256) {
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    const int rows = rows_here(p.rows, p.rows_per_block), cols = p.a_cols + p.b_cols;
    const float *a = p.a + first * p.a_cols;
    const float *b = p.b + first * p.b_cols;
    float *y = p.y + first * cols;
    each_cell(rows, p.a_cols, [=](int r, int c) { y[(long long)r * cols + c] = a[(long long)r * p.a_cols + c]; });
    y += p.a_cols;
    each_cell(rows, p.b_cols, [=](int r, int c) { y[(long long)r * cols + c] = b[(long long)r * p.b_cols + c]; });
}

struct ConcatGradParams {
    const float *dy; // [rows,cols]
    float *dx;       // [rows,part]: columns start .. start + part of dy
    long long rows;
    int cols, start, part;
    int rows_per_block;
    int accumulate;
};

KERNEL(concat_bwd_f32, ConcatGradParams, 256) {
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    const float *dy = p.dy + first * p.cols + p.start;
    float *dx = p.dx + first * p.part;
    each_cell(rows_here(p.rows, p.rows_per_block), p.part,
              [=](int r, int c) { put(dx[(long long)r * p.part + c], dy[(long long)r * p.cols + c], p.accumulate); });
}

struct Upsample2xParams {
    const float *x; // fwd: [N,H,W,C]; bwd: dy [N,2H,2W,C]
    float *y;       // fwd: [N,2H,2W,C]; bwd: dx [N,H,W,C]
    long long rows; // N*H
    int w, c;
    int rows_per_block;
    int accumulate;
};

KERNEL(upsample2x_fwd_f32, Upsample2xParams, 256) {
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    const int rows = rows_here(p.rows, p.rows_per_block), wide = 2 * p.w * p.c;
    for (int r = 0; r < rows; r++) {
        const float *x = p.x + (first + r) * p.w * p.c;
        float *y = p.y + (first + r) * 2 * wide;
        each_cell(p.w, p.c, [=](int j, int c) {
            const float v = x[j * p.c + c];
            float *to = y + 2 * j * p.c + c;
            to[0] = v;
            to[p.c] = v;
            to[wide] = v;
            to[wide + p.c] = v;
        });
    }
}

KERNEL(upsample2x_bwd_f32, Upsample2xParams, 256) {
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    const int rows = rows_here(p.rows, p.rows_per_block), wide = 2 * p.w * p.c;
    for (int r = 0; r < rows; r++) {
        const float *dy = p.x + (first + r) * 2 * wide;
        float *dx = p.y + (first + r) * p.w * p.c;
        each_cell(p.w, p.c, [=](int j, int c) {
            const float *from = dy + 2 * j * p.c + c;
            put(dx[j * p.c + c], (from[0] + from[p.c]) + (from[wide] + from[wide + p.c]), p.accumulate);
        });
    }
}

// ---- timestep embedding

struct TimestepEmbeddingParams {
    const int *t; // [N]
    float *y;     // [N,2D]
    double ratio; // exp(-ln(10000) / D)
    int n;
    int half; // D
    int rows_per_block;
};

// In F32 an angle of 1,000 radians would be off by 3e-5; so it is a float64 product, and what rounding takes from it is put back to first order.
KERNEL(timestep_embedding_f32, TimestepEmbeddingParams, 256) {
    const int first = blockIdx.x * p.rows_per_block;
    const int *t = p.t + first;
    float *y = p.y + (long long)first * 2 * p.half;
    each_cell(rows_here(p.n, p.rows_per_block), p.half, [=](int r, int i) {
        double angle = (double)t[r], power = p.ratio;
        for (int k = i; k > 0; k >>= 1) {
            if (k & 1) angle *= power;
            power *= power;
        }
        const float rounded = (float)angle, rest = (float)(angle - (double)rounded);
        const float c = cos_(rounded), s = sin_(rounded);
        float *row = y + (long long)r * 2 * p.half;
        row[i] = fma_(-rest, s, c);
        row[p.half + i] = fma_(rest, c, s);
    });
}

// ---- constants

struct ConstantParams {
    float *y;
    long long n;
    float value;
};

KERNEL(constant_f32, ConstantParams, 256) {
    each_element(p.n, [=](long long i) { p.y[i] = p.value; });
}

// ---- checks

struct CountNonFiniteParams {
    const float *x;
    int *count; // [blocks]
    long long n;
};

KERNEL(count_non_finite_f32, CountNonFiniteParams, 256) {
    const long long begin = (long long)blockIdx.x * CHUNK;
    const int n = (int)(p.n - begin < CHUNK ? p.n - begin : CHUNK);
    const float *x = p.x + begin;
    const int64_t bad = block_sum_i64<256>(n, [=](int i) { return (int64_t)((ubits_(x[i]) & 0x7f800000u) == 0x7f800000u); });
    if (threadIdx.x == 0) p.count[blockIdx.x] = (int)bad;
}
