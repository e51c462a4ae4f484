// oneDNN as an engine of matrix products and convolutions (cuattr_dnnl.h).
//
// Activations keep the project's NHWC layout; only the weights are reordered into the layout that oneDNN prefers, on every call, since they
// change with every training step.
#include "cuattr_dnnl.h"

#include <omp.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <tuple>
#include <unordered_map>

#include <dnnl.hpp>

namespace {

using dnnl::memory;

thread_local std::string last_error;

dnnl::engine &engine() {
    static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
    return cpu;
}

dnnl::stream &stream() {
    static dnnl::stream queue(engine());
    return queue;
}

struct Convolution {
    dnnl::primitive primitive;
    memory x, w_user, w_engine, bias, y;
    bool reorder_weights = false;
    dnnl::reorder reorder;
};

using Key = std::tuple<int, int, int, int, int, int, int, int, int, int, bool>;

struct Cache {
    std::mutex lock;
    std::map<Key, Convolution> convolutions;
};

Cache &cache() {
    static Cache c;
    return c;
}

std::atomic<int> chosen_threads{0};

// oneDNN asks OpenMP, which keeps the number for each calling thread.
void use_chosen_threads() {
    if (const int n = chosen_threads.load(std::memory_order_relaxed)) omp_set_num_threads(n);
}

memory::desc describe(const memory::dims &dims, memory::format_tag tag) { return memory::desc(dims, memory::data_type::f32, tag); }

Convolution create(const cuattr_dnnl_conv2d &s, int direction, bool bias) {
    int out_h = (s.h + s.pad_begin + s.pad_end - s.kernel) / s.stride + 1, out_w = (s.w + s.pad_begin + s.pad_end - s.kernel) / s.stride + 1;
    memory::dims strides = {s.stride, s.stride}, begin = {s.pad_begin, s.pad_begin}, end = {s.pad_end, s.pad_end};
    auto x = describe({s.n, s.c, s.h, s.w}, memory::format_tag::nhwc);
    auto y = describe({s.n, s.o, out_h, out_w}, memory::format_tag::nhwc);
    auto w_user = describe({s.o, s.c, s.kernel, s.kernel}, memory::format_tag::ohwi);
    auto w_any = describe({s.o, s.c, s.kernel, s.kernel}, memory::format_tag::any);
    auto b = describe({s.o}, memory::format_tag::x);
    auto algorithm = dnnl::algorithm::convolution_direct;

    auto forward =
        bias
            ? dnnl::convolution_forward::primitive_desc({dnnl::prop_kind::forward_training, algorithm, x, w_any, b, y, strides, begin, end}, engine())
            : dnnl::convolution_forward::primitive_desc({dnnl::prop_kind::forward_training, algorithm, x, w_any, y, strides, begin, end}, engine());
    Convolution c;
    memory::desc w_engine;
    if (direction == CUATTR_DNNL_FORWARD) {
        c.primitive = dnnl::convolution_forward(forward);
        w_engine = forward.weights_desc();
    } else if (direction == CUATTR_DNNL_BACKWARD_DATA) {
        dnnl::convolution_backward_data::primitive_desc pd({algorithm, x, w_any, y, strides, begin, end}, engine(), forward);
        c.primitive = dnnl::convolution_backward_data(pd);
        w_engine = pd.weights_desc();
    } else {
        dnnl::convolution_backward_weights::primitive_desc pd({algorithm, x, w_any, y, strides, begin, end}, engine(), forward);
        c.primitive = dnnl::convolution_backward_weights(pd);
        w_engine = pd.diff_weights_desc();
    }
    c.x = memory(x, engine(), nullptr);
    c.y = memory(y, engine(), nullptr);
    c.w_user = memory(w_user, engine(), nullptr);
    if (bias) c.bias = memory(b, engine(), nullptr);
    c.reorder_weights = w_engine != w_user;
    if (c.reorder_weights) {
        c.w_engine = memory(w_engine, engine());
        c.reorder = direction == CUATTR_DNNL_BACKWARD_WEIGHTS ? dnnl::reorder(c.w_engine, c.w_user) : dnnl::reorder(c.w_user, c.w_engine);
    }
    return c;
}

void run(Convolution &c, int direction, float *x, float *w, const float *bias, float *y) {
    c.x.set_data_handle(x);
    c.y.set_data_handle(y);
    c.w_user.set_data_handle(w);
    auto &weights = c.reorder_weights ? c.w_engine : c.w_user;
    if (c.reorder_weights && direction != CUATTR_DNNL_BACKWARD_WEIGHTS) c.reorder.execute(stream(), c.w_user, c.w_engine);
    if (direction == CUATTR_DNNL_FORWARD) {
        std::unordered_map<int, memory> arguments = {{DNNL_ARG_SRC, c.x}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, c.y}};
        if (bias) {
            c.bias.set_data_handle(const_cast<float *>(bias));
            arguments.emplace(DNNL_ARG_BIAS, c.bias);
        }
        c.primitive.execute(stream(), arguments);
    } else if (direction == CUATTR_DNNL_BACKWARD_DATA) {
        c.primitive.execute(stream(), {{DNNL_ARG_DIFF_SRC, c.x}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DIFF_DST, c.y}});
    } else {
        c.primitive.execute(stream(), {{DNNL_ARG_SRC, c.x}, {DNNL_ARG_DIFF_WEIGHTS, weights}, {DNNL_ARG_DIFF_DST, c.y}});
        if (c.reorder_weights) c.reorder.execute(stream(), c.w_engine, c.w_user);
    }
    stream().wait();
}

template <class Body> int guarded(const char *what, Body body) {
    try {
        body();
        return 0;
    } catch (const std::invalid_argument &e) {
        last_error = std::string(what) + ": " + e.what();
        return 1; // CUDA_ERROR_INVALID_VALUE
    } catch (const dnnl::error &e) {
        last_error = std::string(what) + ": oneDNN status " + std::to_string(e.status) + " (" + e.message + ")";
        return 801; // CUDA_ERROR_NOT_SUPPORTED
    } catch (const std::exception &e) {
        last_error = std::string(what) + ": " + e.what();
        return 999; // CUDA_ERROR_UNKNOWN
    }
}

const char *isa_name(dnnl_cpu_isa_t isa) {
    switch (isa) {
    case dnnl_cpu_isa_sse41:
        return "sse41";
    case dnnl_cpu_isa_avx:
        return "avx";
    case dnnl_cpu_isa_avx2:
        return "avx2";
    case dnnl_cpu_isa_avx2_vnni:
        return "avx2_vnni";
    case dnnl_cpu_isa_avx512_core:
        return "avx512_core";
    case dnnl_cpu_isa_avx512_core_vnni:
        return "avx512_core_vnni";
    case dnnl_cpu_isa_avx512_core_bf16:
        return "avx512_core_bf16";
    case dnnl_cpu_isa_avx512_core_amx:
        return "avx512_core_amx";
    default:
        return "unknown instruction set";
    }
}

} // namespace

int cuattr_dnnl_abi_version(void) { return CUATTR_DNNL_ABI; }

const char *cuattr_dnnl_last_error(void) { return last_error.c_str(); }

int cuattr_dnnl_describe(char *buffer, int n) {
    return guarded("describe", [&] {
        if (!buffer || n < 1) throw std::invalid_argument("a buffer of at least one byte is needed");
        const dnnl_version_t *v = dnnl_version();
        std::snprintf(buffer, static_cast<size_t>(n), "%d.%d.%d %s", v->major, v->minor, v->patch, isa_name(dnnl_get_effective_cpu_isa()));
    });
}

int cuattr_dnnl_set_threads(int n) {
    return guarded("threads", [&] {
        if (n < 1 || n > 4096) throw std::invalid_argument(std::to_string(n) + " threads are outside 1..4096");
        if (dnnl_version()->cpu_runtime != DNNL_RUNTIME_OMP)
            throw std::invalid_argument("this build of oneDNN has no OpenMP runtime, whose number of threads could be set");
        std::lock_guard hold(cache().lock);
        if (chosen_threads.exchange(n, std::memory_order_relaxed) != n) cache().convolutions.clear(); // made for the old number
    });
}

int cuattr_dnnl_threads(void) {
    use_chosen_threads();
    return omp_get_max_threads();
}

int cuattr_dnnl_convolve(const cuattr_dnnl_conv2d *s, int direction, float *x, float *w, const float *bias, float *y) {
    return guarded("convolution", [&] {
        if (!s || !x || !w || !y) throw std::invalid_argument("null argument");
        if (direction < CUATTR_DNNL_FORWARD || direction > CUATTR_DNNL_BACKWARD_WEIGHTS) throw std::invalid_argument("unknown direction");
        if (bias && direction != CUATTR_DNNL_FORWARD) throw std::invalid_argument("only the forward takes a bias");
        Key key{s->n, s->h, s->w, s->c, s->o, s->kernel, s->stride, s->pad_begin, s->pad_end, direction, bias != nullptr};
        std::lock_guard hold(cache().lock);
        use_chosen_threads();
        auto found = cache().convolutions.find(key);
        if (found == cache().convolutions.end()) found = cache().convolutions.emplace(key, create(*s, direction, bias != nullptr)).first;
        run(found->second, direction, x, w, bias, y);
    });
}

int cuattr_dnnl_product(int transpose_a, int transpose_b, int m, int n, int k, const float *a, const float *b, const float *bias, float beta,
                        float *c) {
    return guarded("matrix product", [&] {
        if (!a || !b || !c) throw std::invalid_argument("null argument");
        if (m < 1 || n < 1 || k < 1) throw std::invalid_argument("extents must be positive");
        if (bias && beta != 0.0f) throw std::invalid_argument("bias and beta exclude each other");
        use_chosen_threads();
        if (bias)
            for (int i = 0; i < m; i++) std::memcpy(c + static_cast<long long>(i) * n, bias, sizeof(float) * static_cast<size_t>(n));
        dnnl_status_t status = dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, 1.0f, a, transpose_a ? m : k, b,
                                          transpose_b ? k : n, bias ? 1.0f : beta, c, n);
        if (status != dnnl_success) throw dnnl::error(status, "sgemm");
    });
}
