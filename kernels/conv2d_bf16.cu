// The convolutions of conv2d.cu on tensor cores: arrays F32, operands rounded to BF16, sums in F32 (see mma_tile.cuh). Not in the cpu build.
//
//   conv2d_fwd_f32_bf16     y[P,O]  = sum over (kh,kw,c) of x[pixel of P at (kh,kw), c] w[O, (kh,kw,c)] + b
//   conv2d_bwd_x_f32_bf16   dx[P,C] (+)= sum over (kh,kw,o) of dy[pixel, o] w[o, (kh,kw), C]
//   conv2d_bwd_w_f32_bf16   part[S][O,(kh,kw,C)] = sum over pixels p of a chunk of dy[p,O] x[p at (kh,kw), C]     then split_sum_f32
//
// Implicit products: the sources below find the values of a step where they lie; a pixel outside the picture gives zeros. Quads of four
// channels are loaded at once where the channel count is a multiple of four, else one by one.
#include "gpu.cuh"

#if !defined(CUATTR_CPU)

#include "mma_tile.cuh"
#include "params.cuh"

// A count of three digits, the lowest running fastest; the two lower ones have a radix. Stepping it takes no division.
struct Counter {
    int high, middle, low;
};
struct Radix {
    int middle, low;
};

DEVICE Counter count_of(long long index, Radix radix) {
    const unsigned i = (unsigned)index, rest = i / (unsigned)radix.low, high = rest / (unsigned)radix.middle;
    return {(int)high, (int)(rest - high * (unsigned)radix.middle), (int)(i - rest * (unsigned)radix.low)};
}

DEVICE void step(Counter &at, const Counter &by, Radix radix) {
    at.low += by.low;
    const int carry = at.low >= radix.low;
    at.low -= carry ? radix.low : 0;
    at.middle += by.middle + carry;
    const int carried = at.middle >= radix.middle;
    at.middle -= carried ? radix.middle : 0;
    at.high += by.high + carried;
}

// Four neighbours of k (or n), each a tap and a channel, where they may belong to different taps: value(at) for each, zero past the last tap.
template <class F> DEVICE vecf each_tap(Counter at, Radix radix, F value) {
    vecf v = v_zero();
    UNROLL
    for (int l = 0; l < 4; l++) {
        if (at.high < radix.middle) v.lane[l] = value(at);
        step(at, {0, 0, 1}, radix);
    }
    return v;
}

DEVICE bool within(int y, int x, int h, int w) { return (unsigned)y < (unsigned)h && (unsigned)x < (unsigned)w; }

// fwd: rows are output pixels, k = (kh, kw, c) of the input. The kernel is square: the radix of kw is also the end of kh.
struct InputAtTaps : AlongK<MMA_M> {
    Conv2dParams p;
    Radix radix;
    Counter tap, stride;
    bool whole;
    int y[Tile::PASSES], x[Tile::PASSES]; // of tap (0, 0)
    long long offset[Tile::PASSES];
    MEMBER InputAtTaps(const Conv2dParams &params, long long first, long long pixels)
        : p(params), radix{p.kernel, p.c}, tap(count_of(Tile::col(), radix)), stride(count_of(MMA_K, radix)), whole(quads_fit(p.x, p.c)) {
        UNROLL
        for (int i = 0; i < Tile::PASSES; i++) {
            const long long row = first + Tile::row(i);
            const Counter at = count_of(row, {p.out_h, p.out_w});
            y[i] = row < pixels ? at.middle * p.stride - p.pad : -p.h - p.kernel; // a row past the end lies outside for every tap
            x[i] = at.low * p.stride - p.pad;
            offset[i] = (((long long)at.high * p.h + y[i]) * p.width + x[i]) * p.c;
        }
    }
    MEMBER float value(int pass, const Counter &at) const {
        if (!within(y[pass] + at.high, x[pass] + at.middle, p.h, p.width)) return 0.0f;
        return p.x[offset[pass] + ((long long)at.high * p.width + at.middle) * p.c + at.low];
    }
    MEMBER vecf quad(int pass) const {
        if (!whole) return each_tap(tap, radix, [&](const Counter &at) { return value(pass, at); });
        if (tap.high >= p.kernel || !within(y[pass] + tap.high, x[pass] + tap.middle, p.h, p.width)) return v_zero();
        return v_load_aligned(p.x + (offset[pass] + ((long long)tap.high * p.width + tap.middle) * p.c + tap.low));
    }
    MEMBER void advance() { step(tap, stride, radix); }
};

// bwd_x: rows are input pixels, k = (kh, kw, o) of the output gradient. Tap (kh, kw) is used by output (y + pad - kh) / stride where that is
// whole, which then is floor((y + pad) / stride) - floor(kh / stride).
struct OutputAtTaps : AlongK<MMA_M> {
    Conv2dParams p;
    Radix radix;
    Counter tap, stride;
    bool whole;
    int y[Tile::PASSES], x[Tile::PASSES], y_rest[Tile::PASSES], x_rest[Tile::PASSES];
    long long image[Tile::PASSES]; // its first value
    MEMBER OutputAtTaps(const Conv2dParams &params, long long first, long long pixels)
        : p(params), radix{p.kernel, p.o}, tap(count_of(Tile::col(), radix)), stride(count_of(MMA_K, radix)), whole(quads_fit(p.x, p.o)) {
        UNROLL
        for (int i = 0; i < Tile::PASSES; i++) {
            const long long row = first + Tile::row(i);
            const Counter at = count_of(row, {p.h, p.width});
            y[i] = (at.middle + p.pad) / p.stride;
            x[i] = (at.low + p.pad) / p.stride;
            y_rest[i] = row < pixels ? at.middle + p.pad - y[i] * p.stride : -1; // a row past the end has no tap
            x_rest[i] = at.low + p.pad - x[i] * p.stride;
            image[i] = (long long)at.high * p.out_h * p.out_w * p.o;
        }
    }
    // Where the value lies, or -1.
    MEMBER long long place(int pass, const Counter &at) const {
        const int kh = p.stride == 1 ? at.high : at.high / p.stride, kw = p.stride == 1 ? at.middle : at.middle / p.stride;
        const bool hit = y_rest[pass] == at.high - kh * p.stride && x_rest[pass] == at.middle - kw * p.stride;
        const int oy = y[pass] - kh, ox = x[pass] - kw;
        return hit && within(oy, ox, p.out_h, p.out_w) ? image[pass] + ((long long)oy * p.out_w + ox) * p.o + at.low : -1;
    }
    MEMBER vecf quad(int pass) const {
        if (!whole)
            return each_tap(tap, radix, [&](const Counter &at) {
                const long long from = place(pass, at);
                return from >= 0 ? p.x[from] : 0.0f;
            });
        const long long from = tap.high < p.kernel ? place(pass, tap) : -1;
        return from >= 0 ? v_load_aligned(p.x + from) : v_zero();
    }
    MEMBER void advance() { step(tap, stride, radix); }
};

// bwd_x: columns are input channels, k = (kh, kw, o) of the weights.
struct WeightsAtTaps : AcrossK<MMA_N> {
    const float *w; // of this thread's first channel
    int o, taps, kernel, c, count;
    Radix radix;
    Counter tap[Tile::PASSES], stride;
    bool whole;
    MEMBER WeightsAtTaps(const Conv2dParams &p, int first)
        : w(p.w + first + Tile::col()), o(p.o), taps(p.kernel * p.kernel), kernel(p.kernel), c(p.c),
          count(p.c - first - Tile::col()), radix{p.kernel, p.o}, stride(count_of(MMA_K, radix)), whole(quads_fit(p.w, p.c)) {
        UNROLL
        for (int i = 0; i < Tile::PASSES; i++) tap[i] = count_of(Tile::row(i), radix);
    }
    MEMBER vecf quad(int pass) const {
        const Counter &at = tap[pass];
        if (at.high >= kernel) return v_zero();
        return load_quad(w + ((long long)at.low * taps + at.high * kernel + at.middle) * c, count, whole);
    }
    MEMBER void advance() {
        UNROLL
        for (int i = 0; i < Tile::PASSES; i++) step(tap[i], stride, radix);
    }
};

// bwd_w: columns are (kh, kw, c) of the input, k the output pixels of a chunk.
struct InputOfPixels : AcrossK<MMA_N> {
    Conv2dParams p;
    Radix taps, pixels;
    Counter tap, at[Tile::PASSES], stride;
    int k, count;
    bool whole;
    MEMBER InputOfPixels(const Conv2dParams &params, int first, long long begin, int k_count)
        : p(params), taps{p.kernel, p.c}, pixels{p.out_h, p.out_w}, tap(count_of(first + Tile::col(), taps)), stride(count_of(MMA_K, pixels)), k(0),
          count(k_count), whole(quads_fit(p.x, p.c)) {
        UNROLL
        for (int i = 0; i < Tile::PASSES; i++) at[i] = count_of(begin + Tile::row(i), pixels);
    }
    // Where the value lies, or -1.
    MEMBER long long place(const Counter &pixel, const Counter &t) const {
        const int y = pixel.middle * p.stride - p.pad + t.high, x = pixel.low * p.stride - p.pad + t.middle;
        return within(y, x, p.h, p.width) ? (((long long)pixel.high * p.h + y) * p.width + x) * p.c + t.low : -1;
    }
    MEMBER vecf quad(int pass) const {
        if (k + Tile::row(pass) >= count) return v_zero();
        if (!whole)
            return each_tap(tap, taps, [&](const Counter &t) {
                const long long from = place(at[pass], t);
                return from >= 0 ? p.x[from] : 0.0f;
            });
        const long long from = tap.high < p.kernel ? place(at[pass], tap) : -1;
        return from >= 0 ? v_load_aligned(p.x + from) : v_zero();
    }
    MEMBER void advance() {
        k += MMA_K;
        UNROLL
        for (int i = 0; i < Tile::PASSES; i++) step(at[i], stride, pixels);
    }
};

DEVICE int here(long long all, long long first, int most) { return (int)(all - first < most ? all - first : most); }

KERNEL_WHOLE(conv2d_fwd_f32_bf16, Conv2dParams, MMA_THREADS) {
    const long long pixels = (long long)p.n * p.out_h * p.out_w, m0 = (long long)blockIdx.x * MMA_M;
    const int n0 = blockIdx.y * MMA_N, k = p.kernel * p.kernel * p.c, rows = here(pixels, m0, MMA_M);
    InputAtTaps a(p, m0, pixels);
    MatrixAlongK<MMA_N> b(p.w, n0, p.o, k);
    MmaAccumulators acc;
    mma_product(acc, a, b, k, rows, p.o - n0);
    store_tile(acc, p.y + m0 * p.o + n0, p.o, p.b ? p.b + n0 : nullptr, false, rows, p.o - n0);
}

KERNEL_WHOLE(conv2d_bwd_x_f32_bf16, Conv2dParams, MMA_THREADS) {
    const long long pixels = (long long)p.n * p.h * p.width, m0 = (long long)blockIdx.x * MMA_M;
    const int n0 = blockIdx.y * MMA_N, rows = here(pixels, m0, MMA_M);
    OutputAtTaps a(p, m0, pixels);
    WeightsAtTaps b(p, n0);
    MmaAccumulators acc;
    mma_product(acc, a, b, p.kernel * p.kernel * p.o, rows, p.c - n0);
    store_tile(acc, p.y + m0 * p.c + n0, p.c, nullptr, p.accumulate != 0, rows, p.c - n0);
}

// Grid: x = tiles of O, y = tiles of (kh, kw, C), z = split.
KERNEL_WHOLE(conv2d_bwd_w_f32_bf16, Conv2dParams, MMA_THREADS) {
    const long long pixels = (long long)p.n * p.out_h * p.out_w, begin = (long long)blockIdx.z * p.chunk;
    const int m0 = blockIdx.x * MMA_M, n0 = blockIdx.y * MMA_N, n = p.kernel * p.kernel * p.c, k = here(pixels, begin, p.chunk);
    MatrixAcrossK<MMA_M> a(p.w + begin * p.o, m0, p.o, k);
    InputOfPixels b(p, n0, begin, k);
    MmaAccumulators acc;
    mma_product(acc, a, b, k, p.o - m0, n - n0);
    float *part = p.y + (long long)blockIdx.z * p.o * n;
    store_tile(acc, part + (long long)m0 * n + n0, n, nullptr, false, p.o - m0, n - n0);
}

#endif
