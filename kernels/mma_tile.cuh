// One block's tile of a matrix product C[m,n] = sum_k A[m,k] B[k,n] on tensor cores: operands rounded from F32 to BF16 on their way into
// shared memory, sums in F32. The core of gemm_bf16.cu and conv2d_bf16.cu.
//
// Invariants
//  - The order of the sum over k is that of the steps and depends on the shape only, and a row of C on no other row: the same bits at
//    every run, and a row alone has the bits it has in a batch.
//  - The tensor cores truncate as they add, so a long chain in their accumulators would lose a bit for every few hundred products. They sum
//    SUM_STEPS steps from zero; those sums are added in IEEE F32. So the error of a product does not grow with its length.
//  - Two buffers: while the warps multiply one step, the values of the next are on their way from memory into registers.
//
// Where the operands come from is a source's business: an object with a Tile, quad(pass) for the four neighbouring values of the calling
// thread's place (Tile::row(pass), Tile::col()) of the present step, zeros outside the operand, and advance() to the next step.
#pragma once

#include "mma.cuh"

constexpr int MMA_THREADS = 256;
KERNEL_CONSTANT(MMA_M, 128);
KERNEL_CONSTANT(MMA_N, 64);
constexpr int MMA_K = 32;
constexpr int WARP_M = 32, WARP_N = 32; // a warp's part of the tile; 4 x 2 warps
constexpr int SUM_STEPS = 2;

// A tile of BF16 in shared memory, two to a word, and which part of it a thread fills. Chunks of 8 values are swizzled within 128 bytes so
// that eight rows of one chunk (read by load_matrices) and the chunks that half a warp writes lie in different banks.
template <int ROWS, int COLS> struct MmaTile {
    static_assert(COLS == 32 || COLS % 64 == 0, "rows of 64 bytes, or of whole lines of 128");
    static constexpr int WORDS = ROWS * COLS / 2;
    static constexpr int PASSES = ROWS * COLS / 4 / MMA_THREADS;
    DEVICE int col() { return (int)threadIdx.x % (COLS / 4) * 4; }
    DEVICE int row(int pass) { return (int)threadIdx.x / (COLS / 4) + pass * (MMA_THREADS / (COLS / 4)); }
    DEVICE int word(int row, int col) {
        const int chunk = COLS == 32 ? (row & 1) << 2 | (col / 8 ^ (row >> 1 & 3)) : col / 8 ^ (row & 7);
        return (COLS == 32 ? row / 2 * 8 : row * (COLS / 8)) * 4 + chunk * 4 + col % 8 / 2;
    }
};

// The operand's rows of m or n lie along k: a tile row is an m or n.
template <int SIDE> struct AlongK {
    typedef MmaTile<SIDE, MMA_K> Tile;
    static constexpr bool along_k = true;
};
// They lie across: a tile row is a k.
template <int SIDE> struct AcrossK {
    typedef MmaTile<MMA_K, SIDE> Tile;
    static constexpr bool along_k = false;
};

// Up to four values; `whole`: the address is a multiple of 16 bytes and all four are there if any is.
DEVICE vecf load_quad(const float *p, int count, bool whole) {
    if (count <= 0) return v_zero();
    return whole ? v_load_aligned(p) : v_load_n(p, count);
}

DEVICE bool quads_fit(const float *p, int extent) { return extent % 4 == 0 && (uint64_t)p % 16 == 0; }

// Rows along k of a matrix: value (r, k) at p[r * pitch + k].
template <int SIDE> struct MatrixAlongK : AlongK<SIDE> {
    typedef MmaTile<SIDE, MMA_K> Tile;
    const float *rows[Tile::PASSES];
    int k, count;
    bool whole;
    MEMBER MatrixAlongK(const float *p, int r_first, int r_count, int k_count) : k(Tile::col()), count(k_count), whole(quads_fit(p, k_count)) {
        UNROLL
        for (int i = 0; i < Tile::PASSES; i++) {
            const int r = r_first + Tile::row(i);
            rows[i] = r < r_count ? p + (long long)r * k_count : nullptr;
        }
    }
    MEMBER vecf quad(int pass) const { return rows[pass] ? load_quad(rows[pass] + k, count - k, whole) : v_zero(); }
    MEMBER void advance() { k += MMA_K; }
};

// Rows across k: value (k, c) at p[k * pitch + c], k below k_count.
template <int SIDE> struct MatrixAcrossK : AcrossK<SIDE> {
    typedef MmaTile<MMA_K, SIDE> Tile;
    const float *p;
    int pitch, k, count, cols;
    bool whole;
    MEMBER MatrixAcrossK(const float *from, int c_first, int c_count, int k_count)
        : p(from + c_first + Tile::col()), pitch(c_count), k(0), count(k_count), cols(c_count - c_first - Tile::col()),
          whole(quads_fit(from, c_count)) {}
    MEMBER vecf quad(int pass) const {
        const int at = k + Tile::row(pass);
        return at < count ? load_quad(p + (long long)at * pitch, cols, whole) : v_zero();
    }
    MEMBER void advance() { k += MMA_K; }
};

struct MmaAccumulators {
    float c[WARP_M / 16][WARP_N / 8][4];
};

DEVICE int warp_m() { return (int)threadIdx.x / WARP % (MMA_M / WARP_M) * WARP_M; }
DEVICE int warp_n() { return (int)threadIdx.x / WARP / (MMA_M / WARP_M) * WARP_N; }

template <class Tile> DEVICE void stage_quad(uint32_t *tile, int pass, const vecf &v) {
    struct alignas(8) Pairs {
        uint32_t low, high;
    };
    *reinterpret_cast<Pairs *>(tile + Tile::word(Tile::row(pass), Tile::col())) = {bf16x2_(v.lane[0], v.lane[1]), bf16x2_(v.lane[2], v.lane[3])};
}

// Rows m .. m + 15 and columns k .. k + 15 of A.
template <class Source> DEVICE void load_a(uint32_t (&a)[4], const uint32_t *tile, int m, int k) {
    const int lane = (int)threadIdx.x % WARP;
    if constexpr (Source::along_k)
        load_matrices(a, tile + Source::Tile::word(m + lane % 16, k + lane / 16 * 8));
    else
        load_matrices_transposed(a, tile + Source::Tile::word(k + lane % 8 + lane / 16 * 8, m + lane / 8 % 2 * 8));
}

// Rows k .. k + 15 and columns n .. n + 15 of B: two fragments.
template <class Source> DEVICE void load_b(uint32_t (&b0)[2], uint32_t (&b1)[2], const uint32_t *tile, int n, int k) {
    const int lane = (int)threadIdx.x % WARP;
    uint32_t r[4];
    if constexpr (Source::along_k)
        load_matrices(r, tile + Source::Tile::word(n + lane % 8 + lane / 16 * 8, k + lane / 8 % 2 * 8));
    else
        load_matrices_transposed(r, tile + Source::Tile::word(k + lane % 16, n + lane / 16 * 8));
    b0[0] = r[0], b0[1] = r[1], b1[0] = r[2], b1[1] = r[3];
}

template <class A, class B> DEVICE void multiply_step(MmaAccumulators &sum, const uint32_t *as, const uint32_t *bs) {
    UNROLL
    for (int k = 0; k < MMA_K; k += 16) {
        uint32_t a[WARP_M / 16][4], b[WARP_N / 8][2];
        UNROLL
        for (int i = 0; i < WARP_M / 16; i++) load_a<A>(a[i], as, warp_m() + 16 * i, k);
        UNROLL
        for (int j = 0; j < WARP_N / 8; j += 2) load_b<B>(b[j], b[j + 1], bs, warp_n() + 8 * j, k);
        mma_bf16(sum.c, a, b);
    }
}

DEVICE void clear(MmaAccumulators &acc) {
    UNROLL
    for (int i = 0; i < WARP_M / 16; i++) UNROLL
    for (int j = 0; j < WARP_N / 8; j++) UNROLL
    for (int e = 0; e < 4; e++) acc.c[i][j][e] = 0.0f;
}

DEVICE void add(MmaAccumulators &acc, const MmaAccumulators &sum) {
    UNROLL
    for (int i = 0; i < WARP_M / 16; i++) UNROLL
    for (int j = 0; j < WARP_N / 8; j++) UNROLL
    for (int e = 0; e < 4; e++) acc.c[i][j][e] += sum.c[i][j][e];
}

template <class Source> DEVICE void fetch_step(vecf (&v)[Source::Tile::PASSES], Source &from) {
    UNROLL
    for (int i = 0; i < Source::Tile::PASSES; i++) v[i] = from.quad(i);
    from.advance();
}

template <class Source> DEVICE void stage_step(uint32_t *tile, const vecf (&v)[Source::Tile::PASSES]) {
    UNROLL
    for (int i = 0; i < Source::Tile::PASSES; i++) stage_quad<typename Source::Tile>(tile, i, v[i]);
}

// acc = the product of k_count values of k. m_count, n_count: the part of the tile inside C; warps outside it only help to load.
template <class A, class B> DEVICE void mma_product(MmaAccumulators &acc, A &a, B &b, int k_count, int m_count, int n_count) {
    SHARED(uint32_t, as, 2 * A::Tile::WORDS);
    SHARED(uint32_t, bs, 2 * B::Tile::WORDS);
    vecf aq[A::Tile::PASSES], bq[B::Tile::PASSES];
    const bool inside = warp_m() < m_count && warp_n() < n_count;
    const int steps = (k_count + MMA_K - 1) / MMA_K;
    MmaAccumulators sum;
    clear(acc);
    clear(sum);
    for (int s = 0; s <= steps; s++) {
        const int buffer = s % 2;
        if (s < steps) {
            fetch_step(aq, a);
            fetch_step(bq, b);
        }
        if (s > 0 && inside) multiply_step<A, B>(sum, as + (1 - buffer) * A::Tile::WORDS, bs + (1 - buffer) * B::Tile::WORDS);
        if (s % SUM_STEPS == 0 || s == steps) {
            add(acc, sum);
            clear(sum);
        }
        if (s < steps) {
            stage_step<A>(as + buffer * A::Tile::WORDS, aq);
            stage_step<B>(bs + buffer * B::Tile::WORDS, bq);
        }
        __syncthreads();
    }
}

// c[m,n] = acc + bias, or c += acc, for the part inside; `c` is the address of the tile's first element, n_total the pitch, bias null or of n.
DEVICE void store_tile(const MmaAccumulators &acc, float *c, int n_total, const float *bias, bool accumulate, int m_count, int n_count) {
    const int g = (int)threadIdx.x % WARP / 4, t = (int)threadIdx.x % 4;
    UNROLL
    for (int i = 0; i < WARP_M / 16; i++) UNROLL
    for (int e = 0; e < 4; e++) {
        const int m = warp_m() + 16 * i + g + e / 2 * 8;
        UNROLL
        for (int j = 0; j < WARP_N / 8; j++) {
            const int n = warp_n() + 8 * j + 2 * t + e % 2;
            if (m >= m_count || n >= n_count) continue;
            float *y = c + (long long)m * n_total + n;
            const float value = bias ? acc.c[i][j][e] + bias[n] : acc.c[i][j][e];
            *y = accumulate ? *y + value : value;
        }
    }
}
