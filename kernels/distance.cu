// Exact squared distances between 8-bit images: sums of squared differences in integers, so neither order nor device can change a bit.
//
//   distance_u8   y[N,M,T] = sum over the bytes of rectangle t of (a[n] - b[m])^2
//
// An image is `lines` lines of `line_bytes` bytes, cut into grid x grid rectangles; the whole image as one line and one rectangle is the
// plain distance. A block owns PAIR_TILE x PAIR_TILE pairs of images and one rectangle, which it brings into shared memory STAGE_BYTES
// at a time; there every byte serves PAIR_TILE pairs. The sum of a stage is int32 (65,025 * STAGE_BYTES fits), the total int64.
#include "tile.cuh"

struct DistanceParams {
    const uint8_t *a; // [N,lines,line_bytes]
    const uint8_t *b; // [M,lines,line_bytes]
    int64_t *y;       // [N,M,grid*grid]
    int n, m;
    int lines, line_bytes;
    int unit; // bytes of a pixel, which a rectangle never cuts
    int grid; // rectangles along each axis
};

KERNEL_CONSTANT(PAIR_TILE, 32);
constexpr int STAGE_BYTES = 512;
constexpr int STAGE_PITCH = STAGE_BYTES + 4; // an odd number of words spreads the rows over the memory banks

// Where part i begins if `total` is cut into `parts` parts: part i is [cut(i), cut(i + 1)).
DEVICE int cut(int total, int parts, int i) { return (int)((long long)total * i / parts); }

// A stage: `lines` pieces of `bytes` bytes, packed, of each image.
struct Stage {
    long long first; // offset of the first piece in an image
    int lines, bytes;
};

// Brings a stage of images first_image .. first_image + count - 1 into rows of shared memory; an odd count is filled up with a copy of the last.
DEVICE void load_stage(uint8_t *rows, const uint8_t *images, long long image_bytes, int line_bytes, int first_image, int count, const Stage &stage) {
    const int filled = (count + 1) / 2 * 2;
    each_cell(filled * stage.lines, stage.bytes, [=](int r, int c) {
        const int row = r / stage.lines, line = r % stage.lines;
        const int image = first_image + (row < count ? row : count - 1);
        rows[row * STAGE_PITCH + line * stage.bytes + c] = images[image * image_bytes + stage.first + (long long)line * line_bytes + c];
    });
}

// Adds the sums of 2 x 2 pairs over n bytes.
DEVICE void add_pairs(const uint8_t *a, const uint8_t *b, int n, int64_t *total) {
    int s00 = 0, s01 = 0, s10 = 0, s11 = 0;
    for (int k = 0; k < n; k++) {
        const int a0 = a[k], a1 = a[k + STAGE_PITCH], b0 = b[k], b1 = b[k + STAGE_PITCH];
        const short d00 = (short)(a0 - b0), d01 = (short)(a0 - b1), d10 = (short)(a1 - b0), d11 = (short)(a1 - b1);
        s00 += d00 * d00;
        s01 += d01 * d01;
        s10 += d10 * d10;
        s11 += d11 * d11;
    }
    total[0] += s00;
    total[1] += s01;
    total[PAIR_TILE] += s10;
    total[PAIR_TILE + 1] += s11;
}

KERNEL(distance_u8, DistanceParams, 256) {
    SHARED(uint8_t, a, PAIR_TILE * STAGE_PITCH);
    SHARED(uint8_t, b, PAIR_TILE * STAGE_PITCH);
    SHARED(int64_t, total, PAIR_TILE * PAIR_TILE);
    const int tiles_n = (p.n - 1) / PAIR_TILE + 1;
    const int n0 = (int)(blockIdx.x % tiles_n) * PAIR_TILE, m0 = (int)(blockIdx.x / tiles_n) * PAIR_TILE;
    const int n_count = p.n - n0 < PAIR_TILE ? p.n - n0 : PAIR_TILE, m_count = p.m - m0 < PAIR_TILE ? p.m - m0 : PAIR_TILE;
    const int n_pairs = (n_count + 1) / 2, m_pairs = (m_count + 1) / 2;
    const int row = (int)blockIdx.y / p.grid, col = (int)blockIdx.y % p.grid, width = p.line_bytes / p.unit;
    const int line_end = cut(p.lines, p.grid, row + 1), begin = cut(width, p.grid, col) * p.unit, end = cut(width, p.grid, col + 1) * p.unit;
    const long long image_bytes = (long long)p.lines * p.line_bytes;
    const int lines_per_stage = end - begin < STAGE_BYTES ? STAGE_BYTES / (end - begin) : 1;

    each_in(PAIR_TILE * PAIR_TILE, [&](int i) { total[i] = 0; });
    for (int line = cut(p.lines, p.grid, row); line < line_end; line += lines_per_stage) {
        for (long long x = begin; x < end; x += STAGE_BYTES) { // 64 bits: the last step may go past 2^31
            const Stage stage = {(long long)line * p.line_bytes + x, line_end - line < lines_per_stage ? line_end - line : lines_per_stage,
                                 (int)(end - x < STAGE_BYTES ? end - x : STAGE_BYTES)};
            load_stage(a, p.a, image_bytes, p.line_bytes, n0, n_count, stage);
            load_stage(b, p.b, image_bytes, p.line_bytes, m0, m_count, stage);
            __syncthreads();
            for (int k = threadIdx.x; k < n_pairs * m_pairs; k += blockDim.x) {
                const int i = 2 * (k / m_pairs), j = 2 * (k % m_pairs);
                add_pairs(a + i * STAGE_PITCH, b + j * STAGE_PITCH, stage.lines * stage.bytes, total + i * PAIR_TILE + j);
            }
            __syncthreads();
        }
    }
    const int rectangles = p.grid * p.grid;
    each_cell(n_count, m_count,
              [&](int i, int j) { p.y[((long long)(n0 + i) * p.m + m0 + j) * rectangles + blockIdx.y] = total[i * PAIR_TILE + j]; });
}
