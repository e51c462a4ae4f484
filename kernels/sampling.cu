// Around the network in diffusion training and sampling.
//
//   q_sample_f32        noisy = signal[t] x0 + sigma[t] noise; velocity = signal[t] noise - sigma[t] x0; NaN where t is outside the tables
//   ddim_step_f32       y = sample x + output o + sigma noise with o = u + guidance (c - u)
#include "tile.cuh"

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
