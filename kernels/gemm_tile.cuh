// One block's tile of a matrix product C[m,n] = sum_k A[m,k] B[k,n], F32: the core of conv2d.cu and gemm.cu.
//
// Invariants
//  - Each element of C is one chain of fused multiply-adds over ascending k, starting from zero. So its bits depend on neither tile sizes,
//    block size, thread count nor the rest of the batch, and are equal on every device and instruction set.
//  - Operands are staged in shared memory, TILE_K values of k at a time, by loader functors that write zeros outside the operand.
//  - A thread owns register tiles of MR rows x NR columns; on the device exactly one, in the one-thread build all of them.
#pragma once
#include "gpu.cuh"

// Register tile. One thread: as many accumulators as the register file holds (24 of 32 zmm, 12 of 16 ymm). Device: 4 x 4 per thread, 256 threads.
constexpr int MR = ONE_THREAD ? (VECF_LANES == 16 ? 12 : 6) : 4;
constexpr int NV = ONE_THREAD ? 2 : 4 / VECF_LANES;
constexpr int NR = NV * VECF_LANES;

constexpr int TILE_M = ONE_THREAD ? 96 : 64;
constexpr int TILE_N = 64;
constexpr int TILE_K = ONE_THREAD ? 64 : 16;
constexpr int GEMM_THREADS = 256;

constexpr int MICRO_N = TILE_N / NR;
constexpr int MICRO_TILES = TILE_M / MR * MICRO_N;
constexpr int MICRO_PER_THREAD = ONE_THREAD ? MICRO_TILES : MICRO_TILES / GEMM_THREADS;
static_assert(ONE_THREAD || MICRO_TILES == GEMM_THREADS, "a device thread owns one register tile");

// Row pitch of a staged A tile whose rows run along k: one extra on the device spreads rows over the banks.
constexpr int A_PITCH = ONE_THREAD ? TILE_K : TILE_K + 1;
constexpr int A_SIZE = TILE_M * (A_PITCH > TILE_K ? A_PITCH : TILE_K);
constexpr int B_SIZE = TILE_K * TILE_N;

struct Accumulators {
    vecf c[MICRO_PER_THREAD][MR][NV];
};

DEVICE void clear(Accumulators &acc) {
    UNROLL_DEVICE
    for (int t = 0; t < MICRO_PER_THREAD; t++)
        for (int i = 0; i < MR; i++)
            for (int j = 0; j < NV; j++) acc.c[t][i][j] = v_zero();
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

// NVEC < NV where the last columns of the tile lie outside C: skips work, never changes a result.
template <int NVEC, int A_M, int A_K> DEVICE void micro_product(const float *a, const float *b, int k_count, vecf (&c)[MR][NV]) {
    vecf r[MR][NVEC];
    UNROLL
    for (int i = 0; i < MR; i++) {
        UNROLL
        for (int j = 0; j < NVEC; j++) r[i][j] = c[i][j];
    }
    for (int k = 0; k < k_count; k++) {
        vecf bk[NVEC];
        UNROLL
        for (int j = 0; j < NVEC; j++) bk[j] = v_load(b + k * TILE_N + j * VECF_LANES);
        UNROLL
        for (int i = 0; i < MR; i++) {
            vecf ai = v_set1(a[i * A_M + k * A_K]);
            UNROLL
            for (int j = 0; j < NVEC; j++) r[i][j] = v_fma(ai, bk[j], r[i][j]);
        }
    }
    UNROLL
    for (int i = 0; i < MR; i++) {
        UNROLL
        for (int j = 0; j < NVEC; j++) c[i][j] = r[i][j];
    }
}

// Adds the staged k_count columns of A (element m,k at m*A_M + k*A_K) times rows of B (pitch TILE_N). m_count, n_count: the part of the tile inside
// C.
template <int A_M, int A_K> DEVICE void tile_product(Accumulators &acc, const float *a, const float *b, int k_count, int m_count, int n_count) {
    UNROLL_DEVICE
    for (int t = 0; t < MICRO_PER_THREAD; t++) {
        int u = ONE_THREAD ? t : (int)threadIdx.x;
        int m = u / MICRO_N * MR, n = u % MICRO_N * NR;
        if (m >= m_count || n >= n_count) continue;
        if (ONE_THREAD && n_count - n <= VECF_LANES)
            micro_product<1, A_M, A_K>(a + m * A_M, b + n, k_count, acc.c[t]);
        else
            micro_product<NV, A_M, A_K>(a + m * A_M, b + n, k_count, acc.c[t]);
    }
}

// Lanes outside C may hold anything: they are computed and dropped.
// Hands each row segment inside C to store(m, n, value, count), with `count` leading lanes valid.
template <class Store> DEVICE void store_tile(const Accumulators &acc, int m_count, int n_count, Store store) {
    UNROLL_DEVICE
    for (int t = 0; t < MICRO_PER_THREAD; t++) {
        int u = ONE_THREAD ? t : (int)threadIdx.x;
        int m0 = u / MICRO_N * MR, n0 = u % MICRO_N * NR;
        UNROLL_DEVICE
        for (int i = 0; i < MR; i++) {
            UNROLL_DEVICE
            for (int j = 0; j < NV; j++) {
                int m = m0 + i, n = n0 + j * VECF_LANES, left = n_count - n;
                if (m < m_count && left > 0) store(m, n, acc.c[t][i][j], left < VECF_LANES ? left : VECF_LANES);
            }
        }
    }
}

// The usual ends of a product: y = C + bias, and y (+)= C. `y` is the address of the segment, `bias` its bias values or null.
DEVICE void store_segment(float *y, const float *bias, vecf value, int count, bool accumulate) {
    if (bias) value = v_add(value, v_load_n(bias, count));
    if (accumulate) value = v_add(v_load_n(y, count), value);
    v_store_n(y, value, count);
}
