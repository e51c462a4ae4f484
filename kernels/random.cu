// Random numbers: every element is a function of seed, stream and its number only.
//
//   normal_f32          y[i] = number offset + i of a Philox stream, standard normal: normal_pair(x, y), normal_pair(z, w) of block (offset + i) / 4
//   uniform_f32         y[i] = bound (w 2^-23 - 1) with w the upper 24 bits of word offset + i of the stream
//   philox_words_i32    y[i] = word offset + i of the stream
#include "math.cuh"
#include "philox.cuh"
#include "tile.cuh"

struct FillParams {
    void *y;
    long long n, offset;
    uint32_t stream0, stream1, seed0, seed1;
};

constexpr int COUNTERS = CHUNK / 4; // of a block
constexpr int BATCH = 256;          // of these, worked on at once

// y[i] = element offset + i of a stream that consists of groups of four, group g made by make(g, out, pitch) into out[0], out[pitch], ...
template <class T, class Make> DEVICE void fill_stream(const FillParams &p, T *group, Make make) {
    T *y = (T *)p.y;
    const long long last = (p.offset + p.n - 1) / 4, begin = p.offset / 4 + (long long)blockIdx.x * COUNTERS;
    const int counters = (int)(last - begin + 1 < COUNTERS ? last - begin + 1 : COUNTERS);
    for (int b = 0; b < counters; b += BATCH) {
        const int count = counters - b < BATCH ? counters - b : BATCH;
        each_in(count, [=](int i) {
            const uint64_t g = (uint64_t)(begin + b + i);
            make(philox4x32_10({(uint32_t)g, (uint32_t)(g >> 32), p.stream0, p.stream1}, p.seed0, p.seed1), group + i);
        });
        __syncthreads();
        // The first and the last group may reach over the ends of y.
        const long long first = 4 * (begin + b) - p.offset;
        const int skip = first < 0 ? (int)-first : 0, take = (int)(p.n - first < 4 * count ? p.n - first : 4 * count);
        each_in(take - skip, [=](int i) {
            const int j = i + skip;
            y[first + j] = group[j % 4 * BATCH + j / 4];
        });
        __syncthreads();
    }
}

KERNEL(normal_f32, FillParams, 256) {
    SHARED(float, group, 4 * BATCH);
    fill_stream<float>(p, group, [](Philox4 w, float *out) {
        const FloatPair a = normal_pair(w.x, w.y), b = normal_pair(w.z, w.w);
        out[0] = a.a;
        out[BATCH] = a.b;
        out[2 * BATCH] = b.a;
        out[3 * BATCH] = b.b;
    });
}

struct UniformParams {
    FillParams part;
    float bound;
};

// All but the product with the bound is exact.
KERNEL(uniform_f32, UniformParams, 256) {
    SHARED(float, group, 4 * BATCH);
    const float bound = p.bound;
    fill_stream<float>(p.part, group, [bound](Philox4 w, float *out) {
        const auto in_bounds = [bound](uint32_t word) { return bound * ((float)(int32_t)(word >> 8) * 0x1p-23f - 1.0f); };
        out[0] = in_bounds(w.x);
        out[BATCH] = in_bounds(w.y);
        out[2 * BATCH] = in_bounds(w.z);
        out[3 * BATCH] = in_bounds(w.w);
    });
}

KERNEL(philox_words_i32, FillParams, 256) {
    SHARED(uint32_t, group, 4 * BATCH);
    fill_stream<uint32_t>(p, group, [](Philox4 w, uint32_t *out) {
        out[0] = w.x;
        out[BATCH] = w.y;
        out[2 * BATCH] = w.z;
        out[3 * BATCH] = w.w;
    });
}
