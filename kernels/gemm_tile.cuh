// One block's tile of a matrix product C[m,n] = sum_k A[m,k] B[k,n], F32: the core of conv2d.cu and gemm.cu.
//
// Invariants
//  - Each element of C is one chain of fused multiply-adds over ascending k, starting from zero. So its bits depend on neither tile sizes,
//    block size, thread count nor the rest of the batch, and are equal on every device and instruction set.
//  - Operands are staged in shared memory, TILE_K values of k at a time, by loader functors that write zeros outside the operand.
//  - A thread owns register tiles of MR rows x NR columns; on the device exactly one, in the one-thread build all of them.
#pragma once
#include "gpu.cuh"

// The tile of C is held as rows of vecf: in registers on the device, where a thread owns 4 x 4 elements; in the first-level cache in the one-thread
// build, which goes through it in register tiles of 12 x 2 or 8 x 3 vectors (24 of 32 zmm) or 6 x 2 (12 of 16 ymm).
constexpr int GEMM_THREADS = 256;
KERNEL_CONSTANT(BLOCK_TILE_M, 64);
KERNEL_CONSTANT(ONE_THREAD_TILE_M, 96);
constexpr int TILE_M = ONE_THREAD ? ONE_THREAD_TILE_M : BLOCK_TILE_M;
KERNEL_CONSTANT(TILE_N, 64);
constexpr int TILE_K = ONE_THREAD ? 64 : 16;

constexpr int OWN_ROWS = ONE_THREAD ? TILE_M : 4;
constexpr int OWN_VECS = ONE_THREAD ? TILE_N / VECF_LANES : 4 / VECF_LANES;
constexpr int OWN_COLS = OWN_VECS * VECF_LANES;
static_assert(ONE_THREAD || (TILE_M / OWN_ROWS) * (TILE_N / OWN_COLS) == GEMM_THREADS, "a device thread owns one register tile");

// Row pitch of a staged A tile whose rows run along k: one extra on the device spreads rows over the banks.
constexpr int A_PITCH = ONE_THREAD ? TILE_K : TILE_K + 1;
constexpr int A_SIZE = TILE_M * (A_PITCH > TILE_K ? A_PITCH : TILE_K);
constexpr int B_SIZE = TILE_K * TILE_N;

struct Accumulators {
    vecf c[OWN_ROWS][OWN_VECS];
};

// First row and column of the calling thread's part of the tile.
DEVICE int own_row() { return ONE_THREAD ? 0 : (int)threadIdx.x / (TILE_N / OWN_COLS) * OWN_ROWS; }
DEVICE int own_col() { return ONE_THREAD ? 0 : (int)threadIdx.x % (TILE_N / OWN_COLS) * OWN_COLS; }

DEVICE void clear(Accumulators &acc) {
    UNROLL_DEVICE
    for (int i = 0; i < OWN_ROWS; i++) {
        UNROLL
        for (int j = 0; j < OWN_VECS; j++) acc.c[i][j] = v_zero();
    }
}

// Copies rows of `cols` contiguous floats into shared memory. row(r) gives the source or null for a row of zeros.
template <class Row> DEVICE void stage_rows(float *__restrict dst, int pitch, int rows, int cols, Row row) {
    constexpr int GROUP = ONE_THREAD ? 1 : 16;
    for (int r = threadIdx.x / GROUP; r < rows; r += blockDim.x / GROUP) {
        const float *__restrict src = row(r);
        float *__restrict out = dst + r * pitch;
        if (src)
            for (int c = threadIdx.x % GROUP; c < cols; c += GROUP) out[c] = src[c];
        else
            for (int c = threadIdx.x % GROUP; c < cols; c += GROUP) out[c] = 0.0f;
    }
}

// Adds k_count products to a register tile of ROWS rows and VECS vectors; `c` points at its first vector in the tile of C.
template <int ROWS, int VECS, int A_M, int A_K>
DEVICE void micro_product(const float *a, const float *b, int k_count, vecf (*c)[OWN_VECS], int first) {
    vecf r[ROWS][VECS];
    UNROLL
    for (int i = 0; i < ROWS; i++) {
        UNROLL
        for (int j = 0; j < VECS; j++) r[i][j] = c[i][first + j];
    }
    for (int k = 0; k < k_count; k++) {
        vecf bk[VECS];
        UNROLL
        for (int j = 0; j < VECS; j++) bk[j] = v_load(b + k * TILE_N + j * VECF_LANES);
        UNROLL
        for (int i = 0; i < ROWS; i++) {
            vecf ai = v_set1(a[i * A_M + k * A_K]);
            UNROLL
            for (int j = 0; j < VECS; j++) r[i][j] = v_fma(ai, bk[j], r[i][j]);
        }
    }
    UNROLL
    for (int i = 0; i < ROWS; i++) {
        UNROLL
        for (int j = 0; j < VECS; j++) c[i][first + j] = r[i][j];
    }
}

// One thread: a column of register tiles of ROWS x VECS, down the rows inside C.
template <int ROWS, int VECS, int A_M, int A_K>
DEVICE void micro_column(Accumulators &acc, const float *a, const float *b, int k_count, int m_count, int first) {
    static_assert(TILE_M % ROWS == 0, "register tiles fill the tile");
    for (int m = 0; m < m_count; m += ROWS) micro_product<ROWS, VECS, A_M, A_K>(a + m * A_M, b + first * VECF_LANES, k_count, acc.c + m, first);
}

// Adds the staged k_count columns of A (element m,k at m*A_M + k*A_K) times rows of B (pitch TILE_N). m_count, n_count: the part of the tile inside
// C. Lanes and rows outside C may hold anything: they are computed with their neighbours and never stored.
template <int A_M, int A_K> DEVICE void tile_product(Accumulators &acc, const float *a, const float *b, int k_count, int m_count, int n_count) {
    if constexpr (ONE_THREAD) {
        constexpr bool WIDE = VECF_LANES == 16;
        int vecs = (n_count + VECF_LANES - 1) / VECF_LANES, first = 0;
        if (WIDE && vecs == 3) {
            micro_column<8, 3, A_M, A_K>(acc, a, b, k_count, m_count, 0);
            return;
        }
        for (; first + 2 <= vecs; first += 2) micro_column<WIDE ? 12 : 6, 2, A_M, A_K>(acc, a, b, k_count, m_count, first);
        if (first < vecs) micro_column<WIDE ? 12 : 6, 1, A_M, A_K>(acc, a, b, k_count, m_count, first);
    } else {
        int m = own_row(), n = own_col();
        if (m < m_count && n < n_count) micro_product<OWN_ROWS, OWN_VECS, A_M, A_K>(a + m * A_M, b + n, k_count, acc.c, 0);
    }
}

// Hands each row segment inside C to store(m, n, value, count), with `count` leading lanes valid.
template <class Store> DEVICE void store_tile(const Accumulators &acc, int m_count, int n_count, Store store) {
    int m0 = own_row(), n0 = own_col();
    UNROLL_DEVICE
    for (int i = 0; i < OWN_ROWS; i++) {
        UNROLL
        for (int j = 0; j < OWN_VECS; j++) {
            int m = m0 + i, n = n0 + j * VECF_LANES, left = n_count - n;
            if (m < m_count && left > 0) store(m, n, acc.c[i][j], left < VECF_LANES ? left : VECF_LANES);
        }
    }
}

// The usual ends of a product: y = C + bias, and y (+)= C. `y` is the address of the segment, `bias` its bias values or null.
DEVICE void store_segment(float *y, const float *bias, vecf value, int count, bool accumulate) {
    if (bias) value = v_add(value, v_load_n(bias, count));
    if (accumulate) value = v_add(v_load_n(y, count), value);
    v_store_n(y, value, count);
}
