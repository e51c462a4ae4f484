// Latents of an autoencoder.
//
//   latent_sample_f32   y[P,C] = (mean + exp(clamp(logvar, -30, 20) / 2) noise) factor with moments[P,2C] = (mean, logvar)
#include "math.cuh"
#include "tile.cuh"

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
