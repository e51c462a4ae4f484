// Table look-up, F32.
//
//   embedding_fwd_f32   y[T,C] = table[ids[T], C]
//   embedding_bwd_f32   dtable[ids[t], C] += dy[t, C], the tokens of a table row in ascending order
//
// An id outside 0 .. vocabulary-1 reads and writes nothing of the table: its row of y is NaN, so that it cannot pass unnoticed.
#include "reduce.cuh"
#include "tile.cuh"

struct EmbeddingParams {
    const int *ids;     // [tokens]
    const float *table; // [vocabulary,C]
    float *y;           // [tokens,C]
    int tokens, vocabulary, c;
    int rows_per_block;
};

KERNEL(embedding_fwd_f32, EmbeddingParams, 256) {
    const long long first = (long long)blockIdx.x * p.rows_per_block;
    const int *ids = p.ids + first;
    float *y = p.y + first * p.c;
    each_cell(rows_here(p.tokens, p.rows_per_block), p.c, [=](int r, int c) {
        const int id = ids[r];
        const bool known = id >= 0 && id < p.vocabulary;
        y[(long long)r * p.c + c] = known ? p.table[(long long)id * p.c + c] : bits_(0x7fc00000u);
    });
}

struct EmbeddingGradParams {
    const int *ids;  // [tokens]
    const float *dy; // [tokens,C]
    float *dtable;   // [vocabulary,C]
    int tokens, vocabulary, c;
};

KERNEL_CONSTANT(EMBEDDING_COLS, 256);

// Block (x, y): the table row of token x if no earlier token has the same id, columns y * EMBEDDING_COLS and on.
KERNEL(embedding_bwd_f32, EmbeddingGradParams, 256) {
    SHARED(float, sum, EMBEDDING_COLS);
    const int token = blockIdx.x, id = p.ids[token];
    const int c0 = blockIdx.y * EMBEDDING_COLS, cols = p.c - c0 < EMBEDDING_COLS ? p.c - c0 : EMBEDDING_COLS;
    const bool seen_before = block_sum_i64<256>(token, [&](int t) { return (int64_t)(p.ids[t] == id); }) != 0;
    if (seen_before || id < 0 || id >= p.vocabulary) return;
    float *dtable = p.dtable + (long long)id * p.c + c0;
    each_in(cols, [&](int c) { sum[c] = dtable[c]; });
    for (int t = token; t < p.tokens; t++) {
        if (p.ids[t] != id) continue;
        const float *dy = p.dy + (long long)t * p.c + c0;
        each_in(cols, [&](int c) { sum[c] = sum[c] + dy[c]; });
    }
    each_in(cols, [&](int c) { dtable[c] = sum[c]; });
}
