// Fused scaled-dot-product attention, F32: o = softmax(q kT / sqrt(d)) v per sample and head, without the [L,S] matrix in memory
// (online softmax: Milakov & Gimelshein 2018; tiling and backward: Dao et al. 2022), and the softmax over the last axis.
//
//   attention_{d64,d160,d512}_fwd_f32  o [N,L,C], log-sum-exp [N,heads,L]
//   attention_delta_f32                delta[n,h,l] = sum_c o dy, over the channels of head h
//   attention_{d64,d160}_bwd_q_f32     dq, a block per query tile
//   attention_{d64,d160}_bwd_kv_f32    dk and dv, a block per key tile
//   softmax_fwd_f32, softmax_bwd_f32
//
// Head h owns channels h*d .. h*d+d of q, k, v, o. d is a multiple of 4, at most 64, 160 or 512.
//
// Invariants
//  - The block's own tokens (queries, in bwd_kv keys) are the contiguous axis of everything it keeps: q is staged transposed, [d][WIDTH], the
//    scores are [rows][WIDTH], so softmax and all four products run down columns and no lane is ever added to another.
//  - The other side's rows are read in place, one scalar per multiply-add over WIDTH columns; they need no staging and no tail tile.
//  - Every sum runs over ascending channels, keys or queries, one chain each. Only KEYS, where the running maximum is raised, enters the bits.
#include "math.cuh"
#include "reduce.cuh"
#include "tile.cuh"

struct AttentionShape {
    int l, s, heads, d;
    float scale; // 1/sqrt(d)
    int causal;  // query i sees keys 0 .. i
};

constexpr int ATTENTION_THREADS = 128;
constexpr int KEYS = 32;    // rows of the other side per step
constexpr int QUERIES = 32; // likewise in bwd_kv

// Register tile of a product: ROW_TILE rows x up to 2 vectors. AVX-512 has registers for 8 x 2, AVX2 for 4 x 2; a device thread has 4 x 4.
constexpr int ROW_TILE = ONE_THREAD && VECF_LANES == 16 ? 8 : 4;

// Two steps of a product in flight on the device: the four of clang's choice cost more registers than sm_80 has for it (spills).
#if defined(__clang__) || defined(__CUDACC__)
#define TWO_STEPS _Pragma("unroll 2")
#else
#define TWO_STEPS
#endif

// What the accumulators start from: zero, the tile itself, or the tile with each column scaled.
enum Start { ZERO, TILE, SCALED_TILE };

// y[i][t] = start + sum_k a(i,k) b[k][t] for i < ROWS and NV vectors of t. a(i,k) is a[i*ld+k] with A_ROWS (rows of a are rows of y) else a[k*ld+i].
template <int ROWS, int NV, int PITCH, bool A_ROWS, Start START>
DEVICE void register_product(const float *__restrict a, int ld, const float *__restrict b, int count, const float *__restrict scale,
                             float *__restrict y) {
    vecf r[ROWS][NV];
    UNROLL
    for (int j = 0; j < NV; j++) {
        vecf factor = START == SCALED_TILE ? v_load_aligned(scale + j * VECF_LANES) : v_zero();
        UNROLL
        for (int i = 0; i < ROWS; i++) {
            r[i][j] = START == ZERO ? v_zero() : v_load_aligned(y + i * PITCH + j * VECF_LANES);
            if (START == SCALED_TILE) r[i][j] = v_mul(r[i][j], factor);
        }
    }
    TWO_STEPS
    for (int k = 0; k < count; k++) {
        vecf bk[NV];
        UNROLL
        for (int j = 0; j < NV; j++) bk[j] = v_load_aligned(b + k * PITCH + j * VECF_LANES);
        UNROLL
        for (int i = 0; i < ROWS; i++) {
            vecf ai = v_set1(A_ROWS ? a[i * ld + k] : a[k * ld + i]);
            UNROLL
            for (int j = 0; j < NV; j++) r[i][j] = v_fma(ai, bk[j], r[i][j]);
        }
    }
    UNROLL
    for (int i = 0; i < ROWS; i++) {
        UNROLL
        for (int j = 0; j < NV; j++) v_store_aligned(y + i * PITCH + j * VECF_LANES, r[i][j]);
    }
}

// ROWS rows where there are that many left, else the rest in halves. Where the rows of y are channels, their number is a multiple of 4.
template <int ROWS, int NV, int PITCH, bool A_ROWS, Start START>
DEVICE void row_product(const float *__restrict a, int ld, const float *__restrict b, int count, const float *__restrict scale, float *__restrict y,
                        int left) {
    if (left >= ROWS) {
        register_product<ROWS, NV, PITCH, A_ROWS, START>(a, ld, b, count, scale, y);
    } else if constexpr (ROWS > (A_ROWS ? 1 : 4)) {
        constexpr int HALF = ROWS / 2;
        if (left >= HALF) {
            register_product<HALF, NV, PITCH, A_ROWS, START>(a, ld, b, count, scale, y);
            a += HALF * (A_ROWS ? ld : 1), y += HALF * PITCH, left -= HALF;
        }
        if (left > 0) row_product<HALF, NV, PITCH, A_ROWS, START>(a, ld, b, count, scale, y, left);
    }
}

// The same for a whole tile: `rows` rows, columns 0 .. width.
template <int WIDTH, bool A_ROWS, Start START>
DEVICE void tile_product(const float *__restrict a, int ld, int rows, const float *__restrict b, int count, float *__restrict y, int width,
                         const float *__restrict scale = nullptr) {
    constexpr int NV = ONE_THREAD && WIDTH >= 2 * VECF_LANES ? 2 : 1, COLUMNS = NV * VECF_LANES, ACROSS = WIDTH / COLUMNS;
    int tiles = (rows + ROW_TILE - 1) / ROW_TILE * ACROSS;
    for (int u = threadIdx.x; u < tiles; u += blockDim.x) {
        int i = u / ACROSS * ROW_TILE, t = u % ACROSS * COLUMNS, left = rows - i;
        if (t >= width) continue;
        const float *ai = a + (A_ROWS ? i * ld : i);
        const float *st = START == SCALED_TILE ? scale + t : nullptr;
        if (NV == 1 || width - t > VECF_LANES)
            row_product<ROW_TILE, NV, WIDTH, A_ROWS, START>(ai, ld, b + t, count, st, y + i * WIDTH + t, left);
        else
            row_product<ROW_TILE, 1, WIDTH, A_ROWS, START>(ai, ld, b + t, count, st, y + i * WIDTH + t, left);
    }
}

// Patches of 4 x 4, which the cpu builds turn into shuffles: measured 0.14 ns an element against 0.28 ns one by one.
constexpr int PATCH = 4;

// y[c][t] = x[t][c] for `count` rows of d channels, the columns up to width zero.
template <int WIDTH> DEVICE void stage_transposed(const float *__restrict x, int ld, int d, int count, int width, float *__restrict y) {
    for (int i = threadIdx.x; i < d / PATCH * (WIDTH / PATCH); i += blockDim.x) {
        int t = i % (WIDTH / PATCH) * PATCH, c = i / (WIDTH / PATCH) * PATCH;
        const float *__restrict from = x + (long long)t * ld + c;
        float *__restrict to = y + c * WIDTH + t;
        if (t + PATCH <= count) {
            UNROLL
            for (int e = 0; e < PATCH; e++) {
                UNROLL
                for (int f = 0; f < PATCH; f++) to[e * WIDTH + f] = from[(long long)f * ld + e];
            }
        } else if (t < width) {
            for (int e = 0; e < PATCH; e++)
                for (int f = 0; f < PATCH; f++) to[e * WIDTH + f] = t + f < count ? from[(long long)f * ld + e] : 0.0f;
        }
    }
}

// y[t][c] (+)= x[c][t] * factor(t) for `count` rows of d channels.
template <int WIDTH, class F>
DEVICE void store_transposed(const float *__restrict x, int ld, int d, int count, int accumulate, F factor, float *__restrict y) {
    for (int i = threadIdx.x; i < d / PATCH * (WIDTH / PATCH); i += blockDim.x) {
        int t = i % (WIDTH / PATCH) * PATCH, c = i / (WIDTH / PATCH) * PATCH;
        if (t >= count) continue;
        float value[PATCH][PATCH];
        UNROLL
        for (int e = 0; e < PATCH; e++) {
            UNROLL
            for (int f = 0; f < PATCH; f++) value[f][e] = x[(c + e) * WIDTH + t + f] * factor(t + f);
        }
        float *__restrict to = y + (long long)t * ld + c;
        if (t + PATCH <= count && !accumulate) {
            UNROLL
            for (int f = 0; f < PATCH; f++) {
                UNROLL
                for (int e = 0; e < PATCH; e++) to[(long long)f * ld + e] = value[f][e];
            }
        } else {
            UNROLL
            for (int f = 0; f < PATCH; f++) {
                if (t + f >= count) continue;
                UNROLL
                for (int e = 0; e < PATCH; e++) put(to[(long long)f * ld + e], value[f][e], accumulate);
            }
        }
    }
}

// f(row, column) over a tile.
template <int WIDTH, class F> DEVICE void for_elements(int rows, int width, F f) {
    if constexpr (ONE_THREAD) {
        for (int i = 0; i < rows; i++)
            for (int t0 = 0; t0 < width; t0 += VECF_LANES)
                for (int t = t0; t < t0 + VECF_LANES; t++) f(i, t);
    } else {
        for (int e = threadIdx.x; e < rows * WIDTH; e += blockDim.x)
            if (e % WIDTH < width) f(e / WIDTH, e % WIDTH);
    }
}

// The same where f(i, t) works on what f(i - 1, t) left in column t: one thread takes a column from top to bottom.
template <int WIDTH, class F> DEVICE void down_columns(int rows, int width, F f) {
    if constexpr (ONE_THREAD) {
        for_elements<WIDTH>(rows, width, f);
    } else {
        for (int t = threadIdx.x; t < width; t += blockDim.x)
            for (int i = 0; i < rows; i++) f(i, t);
    }
}

DEVICE int at_most(int value, int limit) { return value < limit ? value : limit; }
DEVICE int padded(int count) { return (count + VECF_LANES - 1) / VECF_LANES * VECF_LANES; }

struct AttentionForwardParams {
    const float *q; // [N,L,C]
    const float *k; // [N,S,C]
    const float *v; // [N,S,C]
    float *o;       // [N,L,C]
    float *lse;     // [N,heads,L] or null
    AttentionShape shape;
};

template <int D, int WIDTH> DEVICE void attention_forward(const AttentionForwardParams &p) {
    constexpr int TOKENS_SIZE = D * WIDTH, SCORES_SIZE = KEYS * WIDTH;
    SHARED(float, qt, TOKENS_SIZE);
    SHARED(float, ot, TOKENS_SIZE);    // not yet divided by `sum`
    SHARED(float, score, SCORES_SIZE); // q k, then its exponential
    SHARED(float, top, WIDTH);         // largest scaled score so far
    SHARED(float, fade, WIDTH);        // largest score of the step, then what earlier sums shrink by as `top` rises
    SHARED(float, sum, WIDTH);
    const AttentionShape s = p.shape;
    const int q0 = blockIdx.x * WIDTH, h = blockIdx.y, ld = s.heads * s.d, queries = at_most(s.l - q0, WIDTH), width = padded(queries);
    const long long own = ((long long)blockIdx.z * s.l + q0) * ld + h * s.d;
    const float *k = p.k + (long long)blockIdx.z * s.s * ld + h * s.d;
    const float *v = p.v + (long long)blockIdx.z * s.s * ld + h * s.d;

    stage_transposed<WIDTH>(p.q + own, ld, s.d, queries, width, qt);
    for (int i = threadIdx.x; i < s.d * WIDTH; i += blockDim.x) ot[i] = 0.0f;
    for (int t = threadIdx.x; t < WIDTH; t += blockDim.x) top[t] = -__builtin_inff(), sum[t] = 0.0f;
    __syncthreads();

    const int end = s.causal ? at_most(s.s, q0 + queries) : s.s;
    for (int k0 = 0; k0 < end; k0 += KEYS) {
        const int keys = at_most(end - k0, KEYS);
        tile_product<WIDTH, true, ZERO>(k + (long long)k0 * ld, ld, keys, qt, s.d, score, width);
        __syncthreads();
        if (s.causal && k0 + keys - 1 > q0)
            down_columns<WIDTH>(keys, width, [&](int j, int t) {
                if (k0 + j > q0 + t) score[j * WIDTH + t] = -__builtin_inff();
            });
        down_columns<WIDTH>(1, width, [&](int, int t) { fade[t] = -__builtin_inff(); });
        down_columns<WIDTH>(keys, width, [&](int j, int t) { fade[t] = max_(score[j * WIDTH + t], fade[t]); });
        down_columns<WIDTH>(1, width, [&](int, int t) {
            const float raised = max_(fade[t] * s.scale, top[t]);
            fade[t] = exp_(top[t] - raised);
            top[t] = raised;
        });
        __syncthreads();
        for_elements<WIDTH>(keys, width, [&](int j, int t) { score[j * WIDTH + t] = exp_(fma_(score[j * WIDTH + t], s.scale, -top[t])); });
        __syncthreads();
        down_columns<WIDTH>(1, width, [&](int, int t) { sum[t] = sum[t] * fade[t]; });
        down_columns<WIDTH>(keys, width, [&](int j, int t) { sum[t] += score[j * WIDTH + t]; });
        tile_product<WIDTH, false, SCALED_TILE>(v + (long long)k0 * ld, ld, s.d, score, keys, ot, width, fade);
        __syncthreads();
    }

    for (int t = threadIdx.x; t < queries; t += blockDim.x) {
        if (p.lse) p.lse[((long long)blockIdx.z * s.heads + h) * s.l + q0 + t] = top[t] + log_(sum[t]);
        sum[t] = 1.0f / sum[t];
    }
    __syncthreads();
    store_transposed<WIDTH>(
        ot, ld, s.d, queries, 0, [&](int t) { return sum[t]; }, p.o + own);
}

KERNEL_CONSTANT(D64_TILE, 64); // tokens of a block
KERNEL_CONSTANT(D160_TILE, 32);
KERNEL_CONSTANT(D64_BACKWARD_TILE, 32);
KERNEL_CONSTANT(D160_BACKWARD_TILE, 16);
// The autoencoder's one head. Two tiles of 512 channels leave room for 8 queries in a GPU's 48 KB; one AVX-512 vector is 16.
KERNEL_CONSTANT(BLOCK_D512_TILE, 8);
KERNEL_CONSTANT(ONE_THREAD_D512_TILE, 16);

KERNEL(attention_d64_fwd_f32, AttentionForwardParams, ATTENTION_THREADS) { attention_forward<64, D64_TILE>(p); }
KERNEL(attention_d160_fwd_f32, AttentionForwardParams, ATTENTION_THREADS) { attention_forward<160, D160_TILE>(p); }
KERNEL(attention_d512_fwd_f32, AttentionForwardParams, ATTENTION_THREADS) {
    attention_forward<512, ONE_THREAD ? ONE_THREAD_D512_TILE : BLOCK_D512_TILE>(p);
}

struct AttentionDeltaParams {
    const float *o;  // [N,L,C]
    const float *dy; // [N,L,C]
    float *delta;    // [N,heads,L]
    int tokens;      // N*L
    AttentionShape shape;
};

KERNEL_CONSTANT(DELTA_TOKENS, 32);

KERNEL(attention_delta_f32, AttentionDeltaParams, 256) {
    const AttentionShape s = p.shape;
    const int first = blockIdx.x * DELTA_TOKENS, count = at_most(p.tokens - first, DELTA_TOKENS), ld = s.heads * s.d;
    for (int i = threadIdx.x; i < count * s.heads; i += blockDim.x) {
        const int token = first + i / s.heads, h = i % s.heads;
        const float *__restrict o = p.o + (long long)token * ld + h * s.d;
        const float *__restrict dy = p.dy + (long long)token * ld + h * s.d;
        float lane[4] = {0.0f, 0.0f, 0.0f, 0.0f};
        for (int c = 0; c < s.d; c += 4) {
            UNROLL
            for (int e = 0; e < 4; e++) lane[e] = fma_(o[c + e], dy[c + e], lane[e]);
        }
        p.delta[((long long)(token / s.l) * s.heads + h) * s.l + token % s.l] = (lane[0] + lane[2]) + (lane[1] + lane[3]);
    }
}

struct AttentionBackwardQueryParams {
    const float *q; // [N,L,C]
    const float *k; // [N,S,C]
    const float *v;
    const float *dy;    // [N,L,C]
    const float *lse;   // [N,heads,L]
    const float *delta; // [N,heads,L]
    float *dq;
    AttentionShape shape;
    int accumulate;
};

template <int D, int WIDTH> DEVICE void attention_backward_query(const AttentionBackwardQueryParams &p) {
    constexpr int TOKENS_SIZE = D * WIDTH, SCORES_SIZE = KEYS * WIDTH;
    SHARED(float, qt, TOKENS_SIZE);
    SHARED(float, dyt, TOKENS_SIZE);
    SHARED(float, dqt, TOKENS_SIZE);
    SHARED(float, score, SCORES_SIZE);
    SHARED(float, ds, SCORES_SIZE); // dy v, then the gradient of the scaled scores
    SHARED(float, lse, WIDTH);
    SHARED(float, delta, WIDTH);
    const AttentionShape s = p.shape;
    const int q0 = blockIdx.x * WIDTH, h = blockIdx.y, ld = s.heads * s.d, queries = at_most(s.l - q0, WIDTH), width = padded(queries);
    const long long own = ((long long)blockIdx.z * s.l + q0) * ld + h * s.d, row = ((long long)blockIdx.z * s.heads + h) * s.l + q0;
    const float *k = p.k + (long long)blockIdx.z * s.s * ld + h * s.d;
    const float *v = p.v + (long long)blockIdx.z * s.s * ld + h * s.d;

    stage_transposed<WIDTH>(p.q + own, ld, s.d, queries, width, qt);
    stage_transposed<WIDTH>(p.dy + own, ld, s.d, queries, width, dyt);
    for (int i = threadIdx.x; i < s.d * WIDTH; i += blockDim.x) dqt[i] = 0.0f;
    for (int t = threadIdx.x; t < WIDTH; t += blockDim.x) {
        lse[t] = t < queries ? p.lse[row + t] : 0.0f;
        delta[t] = t < queries ? p.delta[row + t] : 0.0f;
    }
    __syncthreads();

    const int end = s.causal ? at_most(s.s, q0 + queries) : s.s;
    for (int k0 = 0; k0 < end; k0 += KEYS) {
        const int keys = at_most(end - k0, KEYS);
        tile_product<WIDTH, true, ZERO>(k + (long long)k0 * ld, ld, keys, qt, s.d, score, width);
        tile_product<WIDTH, true, ZERO>(v + (long long)k0 * ld, ld, keys, dyt, s.d, ds, width);
        __syncthreads();
        const int diagonal = s.causal ? q0 - k0 : KEYS; // key row j is seen by the columns t with j <= diagonal + t
        for_elements<WIDTH>(keys, width, [&](int j, int t) {
            float probability = exp_(fma_(score[j * WIDTH + t], s.scale, -lse[t]));
            ds[j * WIDTH + t] = (j <= diagonal + t ? probability : 0.0f) * (ds[j * WIDTH + t] - delta[t]);
        });
        __syncthreads();
        tile_product<WIDTH, false, TILE>(k + (long long)k0 * ld, ld, s.d, ds, keys, dqt, width);
        __syncthreads();
    }
    store_transposed<WIDTH>(
        dqt, ld, s.d, queries, p.accumulate, [&](int) { return s.scale; }, p.dq + own);
}

KERNEL(attention_d64_bwd_q_f32, AttentionBackwardQueryParams, ATTENTION_THREADS) { attention_backward_query<64, D64_BACKWARD_TILE>(p); }
KERNEL(attention_d160_bwd_q_f32, AttentionBackwardQueryParams, ATTENTION_THREADS) { attention_backward_query<160, D160_BACKWARD_TILE>(p); }

struct AttentionBackwardKeyValueParams {
    const float *q; // [N,L,C]
    const float *k; // [N,S,C]
    const float *v;
    const float *dy;    // [N,L,C]
    const float *lse;   // [N,heads,L]
    const float *delta; // [N,heads,L]
    float *dk;          // [N,S,C] or null
    float *dv;          // [N,S,C] or null
    AttentionShape shape;
    int accumulate_k, accumulate_v;
};

template <int D, int WIDTH> DEVICE void attention_backward_key_value(const AttentionBackwardKeyValueParams &p) {
    constexpr int TOKENS_SIZE = D * WIDTH, SCORES_SIZE = QUERIES * WIDTH;
    SHARED(float, kt, TOKENS_SIZE);
    SHARED(float, vt, TOKENS_SIZE);
    SHARED(float, dkt, TOKENS_SIZE);
    SHARED(float, dvt, TOKENS_SIZE);
    SHARED(float, probability, SCORES_SIZE);
    SHARED(float, ds, SCORES_SIZE);
    const AttentionShape s = p.shape;
    const int k0 = blockIdx.x * WIDTH, h = blockIdx.y, ld = s.heads * s.d, keys = at_most(s.s - k0, WIDTH), width = padded(keys);
    const long long own = ((long long)blockIdx.z * s.s + k0) * ld + h * s.d, row = ((long long)blockIdx.z * s.heads + h) * s.l;
    const float *q = p.q + (long long)blockIdx.z * s.l * ld + h * s.d;
    const float *dy = p.dy + (long long)blockIdx.z * s.l * ld + h * s.d;
    const float *__restrict lse = p.lse + row;
    const float *__restrict delta = p.delta + row;

    stage_transposed<WIDTH>(p.k + own, ld, s.d, keys, width, kt);
    stage_transposed<WIDTH>(p.v + own, ld, s.d, keys, width, vt);
    for (int i = threadIdx.x; i < s.d * WIDTH; i += blockDim.x) dkt[i] = 0.0f, dvt[i] = 0.0f;
    __syncthreads();

    for (int q0 = s.causal ? k0 / QUERIES * QUERIES : 0; q0 < s.l; q0 += QUERIES) {
        const int queries = at_most(s.l - q0, QUERIES);
        tile_product<WIDTH, true, ZERO>(q + (long long)q0 * ld, ld, queries, kt, s.d, probability, width);
        tile_product<WIDTH, true, ZERO>(dy + (long long)q0 * ld, ld, queries, vt, s.d, ds, width);
        __syncthreads();
        const int diagonal = s.causal ? q0 - k0 : WIDTH; // query row i sees the columns t <= diagonal + i
        for_elements<WIDTH>(queries, width, [&](int i, int t) {
            float value = exp_(fma_(probability[i * WIDTH + t], s.scale, -lse[q0 + i]));
            value = t <= diagonal + i ? value : 0.0f;
            probability[i * WIDTH + t] = value;
            ds[i * WIDTH + t] = value * (ds[i * WIDTH + t] - delta[q0 + i]);
        });
        __syncthreads();
        if (p.dv) tile_product<WIDTH, false, TILE>(dy + (long long)q0 * ld, ld, s.d, probability, queries, dvt, width);
        if (p.dk) tile_product<WIDTH, false, TILE>(q + (long long)q0 * ld, ld, s.d, ds, queries, dkt, width);
        __syncthreads();
    }
    if (p.dk)
        store_transposed<WIDTH>(
            dkt, ld, s.d, keys, p.accumulate_k, [&](int) { return s.scale; }, p.dk + own);
    if (p.dv)
        store_transposed<WIDTH>(
            dvt, ld, s.d, keys, p.accumulate_v, [&](int) { return 1.0f; }, p.dv + own);
}

KERNEL(attention_d64_bwd_kv_f32, AttentionBackwardKeyValueParams, ATTENTION_THREADS) { attention_backward_key_value<64, D64_BACKWARD_TILE>(p); }
KERNEL(attention_d160_bwd_kv_f32, AttentionBackwardKeyValueParams, ATTENTION_THREADS) { attention_backward_key_value<160, D160_BACKWARD_TILE>(p); }

// ---- softmax over the last axis

struct SoftmaxParams {
    const float *x; // [rows,C]
    float *y;       // [rows,C]
    int rows, c, rows_per_block;
};

KERNEL_CONSTANT(SOFTMAX_ROWS, 32); // most rows of a block

KERNEL(softmax_fwd_f32, SoftmaxParams, 256) {
    SHARED(float, top, SOFTMAX_ROWS);
    SHARED(float, sum, SOFTMAX_ROWS);
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    const int rows = rows_here(p.rows, p.rows_per_block);
    const float *__restrict x = p.x + first * p.c;
    float *__restrict y = p.y + first * p.c;
    row_max<SOFTMAX_ROWS>(
        rows, p.c, [&](int r, int c) { return x[(long long)r * p.c + c]; }, top);
    each_cell(rows, p.c, [&](int r, int c) { y[(long long)r * p.c + c] = exp_(x[(long long)r * p.c + c] - top[r]); });
    __syncthreads();
    row_sum<SOFTMAX_ROWS>(
        rows, p.c, [&](int r, int c) { return y[(long long)r * p.c + c]; }, sum);
    each_cell(rows, p.c, [&](int r, int c) { y[(long long)r * p.c + c] = y[(long long)r * p.c + c] / sum[r]; });
}

struct SoftmaxBackwardParams {
    const float *y;  // [rows,C]
    const float *dy; // [rows,C]
    float *dx;       // [rows,C]
    int rows, c, rows_per_block, accumulate;
};

KERNEL(softmax_bwd_f32, SoftmaxBackwardParams, 256) {
    SHARED(float, dot, SOFTMAX_ROWS);
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    const int rows = rows_here(p.rows, p.rows_per_block);
    const float *__restrict y = p.y + first * p.c;
    const float *__restrict dy = p.dy + first * p.c;
    float *__restrict dx = p.dx + first * p.c;
    row_sum<SOFTMAX_ROWS>(
        rows, p.c, [&](int r, int c) { return y[(long long)r * p.c + c] * dy[(long long)r * p.c + c]; }, dot);
    each_cell(rows, p.c, [&](int r, int c) {
        const long long i = (long long)r * p.c + c;
        put(dx[i], y[i] * (dy[i] - dot[r]), p.accumulate);
    });
}
