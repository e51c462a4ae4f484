// Around the network in diffusion training and sampling.
//
//   normal_f32          y[i] = number offset + i of a Philox stream, standard normal: normal_pair(x, y), normal_pair(z, w) of block (offset + i) / 4
//   uniform_f32         y[i] = bound (w 2^-23 - 1) with w the upper 24 bits of word offset + i of the stream
//   philox_words_i32    y[i] = word offset + i of the stream
//   q_sample_f32        noisy = signal[t] x0 + sigma[t] noise; velocity = signal[t] noise - sigma[t] x0; NaN where t is outside the tables
//   ddim_step_f32       y = sample x + output o + sigma noise with o = u + guidance (c - u)
//   to_pixels_u8        y = rint(255 clamp(x/2 + 1/2, 0, 1)); NaN gives 0
//   from_pixels_f32     y = x / 127.5 - 1
//   scale_f32           y = x factor
//   latent_sample_f32   y[P,C] = (mean + exp(clamp(logvar, -30, 20) / 2) noise) factor with moments[P,2C] = (mean, logvar)
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

struct QSampleParams {
    const float *x0; // [N,sample]
    const float *noise;
    const int *t;        // [N]
    const float *signal; // [steps]
    const float *sigma;
    float *noisy;
    float *velocity; // or null
    long long sample;
    int steps;
};

KERNEL(q_sample_f32, QSampleParams, 256) {
    const int t = p.t[blockIdx.y];
    const bool known = t >= 0 && t < p.steps;
    const float signal = known ? p.signal[t] : bits_(0x7fc00000u), sigma = known ? p.sigma[t] : bits_(0x7fc00000u);
    const long long first = (long long)blockIdx.y * p.sample;
    const float *x0 = p.x0 + first;
    const float *noise = p.noise + first;
    float *noisy = p.noisy + first;
    each_element(p.sample, [=](long long i) { noisy[i] = fma_(signal, x0[i], sigma * noise[i]); });
    if (p.velocity) {
        float *velocity = p.velocity + first;
        each_element(p.sample, [=](long long i) { velocity[i] = fma_(signal, noise[i], -(sigma * x0[i])); });
    }
}

struct DdimStepParams {
    const float *x;
    const float *conditional;
    const float *unconditional; // or null: no guidance
    const float *noise;         // or null: sigma is 0
    float *y;                   // may be x
    long long n;
    float guidance, sample, output, sigma;
};

KERNEL(ddim_step_f32, DdimStepParams, 256) {
    each_element(p.n, [=](long long i) {
        const float o = p.unconditional ? fma_(p.guidance, p.conditional[i] - p.unconditional[i], p.unconditional[i]) : p.conditional[i];
        const float y = fma_(p.sample, p.x[i], p.output * o);
        p.y[i] = p.noise ? fma_(p.sigma, p.noise[i], y) : y;
    });
}

struct ToPixelsParams {
    const float *x;
    uint8_t *y;
    long long n;
};

KERNEL(to_pixels_u8, ToPixelsParams, 256) {
    each_element(p.n, [=](long long i) {
        const float v = fma_(p.x[i], 0.5f, 0.5f);
        const float inside = v > 0.0f ? (v < 1.0f ? v : 1.0f) : 0.0f;
        p.y[i] = (uint8_t)(int)rint_(inside * 255.0f);
    });
}

struct FromPixelsParams {
    const uint8_t *x;
    float *y;
    long long n;
};

KERNEL(from_pixels_f32, FromPixelsParams, 256) {
    each_element(p.n, [=](long long i) { p.y[i] = (float)p.x[i] / 127.5f - 1.0f; });
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

struct LatentSampleParams {
    const float *moments; // [pixels,2C]
    const float *noise;   // [pixels,C] or null: the means
    float *y;             // [pixels,C]
    long long n;          // pixels C
    int c;
    float factor;
};

KERNEL(latent_sample_f32, LatentSampleParams, 256) {
    each_element(p.n, [=](long long i) {
        const float *m = p.moments + i / p.c * 2 * p.c + i % p.c;
        const float deviation = exp_(0.5f * max_(-30.0f, min_(20.0f, m[p.c])));
        p.y[i] = (p.noise ? fma_(deviation, p.noise[i], m[0]) : m[0]) * p.factor;
    });
}
