// Tensor-core arithmetic of a warp, BF16 operands and F32 sums: PTX on the device, the same lane by lane on simt. Not for the cpu build,
// whose blocks are one thread.
//
//   bf16x2_(low, high)            two floats rounded to BF16, to nearest even: subnormal numbers kept, overflow to infinity, NaN stays NaN
//   load_matrices(r, row)         four 8 x 8 matrices of BF16 from shared memory; lane l gives the address of row l % 8 of matrix l / 8
//   load_matrices_transposed      likewise, each matrix transposed on the way
//   mma_bf16(c, a, b)             c[i][j] += a[i] b[j]: tiles of 16 x 16 times 16 x 8, i and j over small arrays
//
// Fragments, g = lane / 4 and t = lane % 4; a register holds two neighbours, the first in its low half:
//   loaded matrix   row g, columns 2t and 2t + 1
//   a[4]            rows g, g + 8, g, g + 8; columns 2t, 2t, 2t + 8, 2t + 8 and the ones after them
//   b[2]            column g; rows 2t, 2t + 8 and the ones after them
//   c[4]            row g, columns 2t and 2t + 1; row g + 8, columns 2t and 2t + 1
//
// Invariants: all 32 lanes of a warp call together; none of these orders memory accesses, so what is loaded was written before a
// __syncthreads(). How the tensor cores add up the 16 products and c is theirs to choose, and measured ones truncate: so does simt, once
// an mma, which shows what truncation does to long sums; the bits of a GPU are not those of simt.
#pragma once

#include "gpu.cuh"

#if defined(CUATTR_CPU)
#error "a block of the cpu build is one thread and has no warp: leave this header out"
#endif

constexpr int WARP = 32;

#if defined(CUATTR_SIMT)

DEVICE uint32_t bf16_(float x) {
    uint32_t u = ubits_(x);
    return x != x ? 0x7fffu : (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
}

DEVICE uint32_t bf16x2_(float low, float high) { return bf16_(high) << 16 | bf16_(low); }

// What every lane of the warp holds, in lane order.
#define WARP_EXCHANGE(T, mine) (static_cast<const T *>(cuattr::simt::exchange_in_warp(&(mine), sizeof(T), __FILE__, __LINE__)))

struct MatrixRow {
    const uint16_t *first;
};

DEVICE void load_matrices(uint32_t (&r)[4], const void *row) {
    cuattr::simt::check_alignment(row, 16);
    const MatrixRow mine{static_cast<const uint16_t *>(row)}, *rows = WARP_EXCHANGE(MatrixRow, mine);
    const int g = (int)threadIdx.x % WARP / 4, t = (int)threadIdx.x % 4;
    for (int m = 0; m < 4; m++) r[m] = rows[8 * m + g].first[2 * t] | (uint32_t)rows[8 * m + g].first[2 * t + 1] << 16;
}

DEVICE void load_matrices_transposed(uint32_t (&r)[4], const void *row) {
    cuattr::simt::check_alignment(row, 16);
    const MatrixRow mine{static_cast<const uint16_t *>(row)}, *rows = WARP_EXCHANGE(MatrixRow, mine);
    const int g = (int)threadIdx.x % WARP / 4, t = (int)threadIdx.x % 4;
    for (int m = 0; m < 4; m++) r[m] = rows[8 * m + 2 * t].first[g] | (uint32_t)rows[8 * m + 2 * t + 1].first[g] << 16;
}

template <int M, int N> struct MmaOperands { uint32_t a[M][4], b[N][2]; };

// Rounded towards zero; infinite where the nearest float is.
DEVICE float truncated_(double x) {
    const float nearest = (float)x;
    const bool beyond = __builtin_fabs((double)nearest) > __builtin_fabs(x) && __builtin_isfinite(nearest);
    return bits_(ubits_(nearest) - (beyond ? 1u : 0u));
}

template <int M, int N> DEVICE void mma_bf16(float (&c)[M][N][4], const uint32_t (&a)[M][4], const uint32_t (&b)[N][2]) {
    typedef MmaOperands<M, N> Operands;
    static_assert(sizeof(Operands) <= cuattr::simt::max_exchange_bytes, "more tiles than one exchange carries");
    Operands mine;
    __builtin_memcpy(mine.a, a, sizeof mine.a);
    __builtin_memcpy(mine.b, b, sizeof mine.b);
    const Operands *const lanes = WARP_EXCHANGE(Operands, mine);
    const int g = (int)threadIdx.x % WARP / 4, t = (int)threadIdx.x % 4;
    // Column 2t + e of b[j], all 16 rows.
    double cols[N][16][2];
    for (int j = 0; j < N; j++)
        for (int e = 0; e < 2; e++)
            for (int k = 0; k < 16; k += 2) {
                const uint32_t pair = lanes[4 * (2 * t + e) + k % 8 / 2].b[j][k / 8];
                cols[j][k][e] = bits_(pair << 16);
                cols[j][k + 1][e] = bits_(pair & 0xffff0000u);
            }
    for (int i = 0; i < M; i++)
        for (int h = 0; h < 2; h++) {
            double row[16]; // row g + 8h of a[i]
            for (int k = 0; k < 16; k += 2) {
                const uint32_t pair = lanes[4 * g + k % 8 / 2].a[i][k / 8 * 2 + h];
                row[k] = bits_(pair << 16);
                row[k + 1] = bits_(pair & 0xffff0000u);
            }
            for (int j = 0; j < N; j++) {
                double sum[2] = {c[i][j][2 * h], c[i][j][2 * h + 1]};
                for (int k = 0; k < 16; k++)
                    for (int e = 0; e < 2; e++) sum[e] += row[k] * cols[j][k][e];
                for (int e = 0; e < 2; e++) c[i][j][2 * h + e] = truncated_(sum[e]);
            }
        }
}

#else

DEVICE uint32_t bf16x2_(float low, float high) {
    uint32_t pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}

DEVICE uint32_t shared_address_(const void *p) {
#if defined(__clang__)
    return (uint32_t)(uint64_t)(const __attribute__((address_space(3))) void *)p;
#else
    return (uint32_t)__cvta_generic_to_shared(p);
#endif
}

DEVICE void load_matrices(uint32_t (&r)[4], const void *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address_(row))
                 : "memory");
}

DEVICE void load_matrices_transposed(uint32_t (&r)[4], const void *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address_(row))
                 : "memory");
}

template <int M, int N> DEVICE void mma_bf16(float (&c)[M][N][4], const uint32_t (&a)[M][4], const uint32_t (&b)[N][2]) {
    UNROLL
    for (int i = 0; i < M; i++) {
        UNROLL
        for (int j = 0; j < N; j++)
            asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                         : "+f"(c[i][j][0]), "+f"(c[i][j][1]), "+f"(c[i][j][2]), "+f"(c[i][j][3])
                         : "r"(a[i][0]), "r"(a[i][1]), "r"(a[i][2]), "r"(a[i][3]), "r"(b[j][0]), "r"(b[j][1]));
    }
}

#endif
