// Implementation of cuattr_image.h. Bad input ends as a thrown codec_error inside this file and as a status code outside.
#include "cuattr_image.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include <spng.h>
#include <turbojpeg.h>
#include <webp/decode.h>
#include <webp/encode.h>

namespace {

thread_local char last_error[512];

struct codec_error {
    int status;
};

[[noreturn]] __attribute__((format(printf, 2, 3))) void fail(int status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    std::vsnprintf(last_error, sizeof last_error, format, args);
    va_end(args);
    throw codec_error{status};
}

template <class Body> int guarded(Body body) noexcept {
    try {
        body();
        return CUATTR_IMAGE_OK;
    } catch (const codec_error &e) {
        return e.status;
    } catch (const std::bad_alloc &) {
        std::snprintf(last_error, sizeof last_error, "out of memory");
        return CUATTR_IMAGE_OUT_OF_MEMORY;
    } catch (...) {
        std::snprintf(last_error, sizeof last_error, "unexpected failure in the image codecs");
        return CUATTR_IMAGE_UNKNOWN;
    }
}

void require(bool condition, const char *what) {
    if (!condition) fail(CUATTR_IMAGE_INVALID_VALUE, "%s", what);
}

void check_size(uint64_t width, uint64_t height, uint64_t max_pixels) {
    if (width == 0 || height == 0) fail(CUATTR_IMAGE_DAMAGED, "the header states an empty picture");
    // Both sides fit in 32 bits, so the product cannot wrap.
    if (width > INT32_MAX || height > INT32_MAX || width * height > max_pixels)
        fail(CUATTR_IMAGE_TOO_LARGE, "the header states %llu x %llu pixels, the limit is %llu pixels", (unsigned long long)width,
             (unsigned long long)height, (unsigned long long)max_pixels);
}

struct buffer_view {
    const uint8_t *bytes;
    size_t n;
};

int sniff(buffer_view in) {
    static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    if (in.n == 0) fail(CUATTR_IMAGE_NOT_AN_IMAGE, "the file is empty");
    if (in.n >= 8 && std::memcmp(in.bytes, png, 8) == 0) return CUATTR_IMAGE_PNG;
    if (in.n >= 3 && in.bytes[0] == 0xff && in.bytes[1] == 0xd8 && in.bytes[2] == 0xff) return CUATTR_IMAGE_JPEG;
    if (in.n >= 12 && std::memcmp(in.bytes, "RIFF", 4) == 0 && std::memcmp(in.bytes + 8, "WEBP", 4) == 0) return CUATTR_IMAGE_WEBP;
    fail(CUATTR_IMAGE_NOT_AN_IMAGE, "the file is not a PNG, JPEG or WebP picture");
}

// ---- PNG ----

struct spng_deleter {
    void operator()(spng_ctx *c) const { spng_ctx_free(c); }
};
using spng_handle = std::unique_ptr<spng_ctx, spng_deleter>;

void check_png(int code) {
    if (code == SPNG_OK) return;
    if (code == SPNG_EMEM) throw std::bad_alloc();
    if (code == SPNG_EOF || code == SPNG_IO_EOF) fail(CUATTR_IMAGE_DAMAGED, "PNG: the file ends too early");
    fail(CUATTR_IMAGE_DAMAGED, "PNG: %s", spng_strerror(code));
}

uint32_t big_endian(const uint8_t *p) { return uint32_t(p[0]) << 24 | uint32_t(p[1]) << 16 | uint32_t(p[2]) << 8 | p[3]; }

// libspng stops reading at the name of the last chunk, so a file cut inside it has to be found by walking the chunks.
void check_png_is_complete(buffer_view in) {
    for (size_t at = 8; in.n - at >= 12;) {
        const size_t length = big_endian(in.bytes + at);
        if (length > in.n - at - 12) break;
        if (std::memcmp(in.bytes + at + 4, "IEND", 4) == 0) return;
        at += 12 + length;
    }
    fail(CUATTR_IMAGE_DAMAGED, "PNG: the file ends too early");
}

spng_handle open_png(buffer_view in, uint64_t max_pixels, cuattr_image_info *info) {
    // Before libspng sees the sizes: it reports a picture too large for its own arithmetic as damaged.
    if (in.n >= 24 && std::memcmp(in.bytes + 12, "IHDR", 4) == 0) check_size(big_endian(in.bytes + 16), big_endian(in.bytes + 20), max_pixels);
    spng_handle c(spng_ctx_new(0));
    if (!c) throw std::bad_alloc();
    check_png(spng_set_crc_action(c.get(), SPNG_CRC_ERROR, SPNG_CRC_ERROR));
    // Compressed text and profiles must not grow without bound while they are skipped.
    check_png(spng_set_chunk_limits(c.get(), size_t{16} << 20, size_t{64} << 20));
    check_png(spng_set_png_buffer(c.get(), in.bytes, in.n));
    spng_ihdr header;
    check_png(spng_get_ihdr(c.get(), &header));
    *info = {CUATTR_IMAGE_PNG, int32_t(header.width), int32_t(header.height)};
    return c;
}

void decode_png(buffer_view in, uint64_t max_pixels, uint8_t *rgba, size_t rgba_bytes) {
    cuattr_image_info info;
    spng_handle c = open_png(in, max_pixels, &info);
    check_png_is_complete(in);
    check_png(spng_decode_image(c.get(), rgba, rgba_bytes, SPNG_FMT_RGBA8, SPNG_DECODE_TRNS));
    check_png(spng_decode_chunks(c.get())); // what follows the pixels must be sound too
}

// ---- JPEG ----

struct tj_deleter {
    void operator()(void *h) const { tjDestroy(h); }
};
using tj_handle = std::unique_ptr<void, tj_deleter>;

tj_handle open_jpeg(buffer_view in, uint64_t max_pixels, cuattr_image_info *info) {
    tj_handle h(tjInitDecompress());
    if (!h) throw std::bad_alloc();
    int width = 0, height = 0, subsampling = 0, colours = 0;
    if (tjDecompressHeader3(h.get(), in.bytes, in.n, &width, &height, &subsampling, &colours) != 0)
        fail(CUATTR_IMAGE_DAMAGED, "JPEG: %s", tjGetErrorStr2(h.get()));
    if (colours == TJCS_CMYK || colours == TJCS_YCCK)
        fail(CUATTR_IMAGE_NOT_SUPPORTED, "JPEG: the picture is CMYK, which has no defined conversion here; save it as RGB");
    check_size(uint64_t(width), uint64_t(height), max_pixels);
    *info = {CUATTR_IMAGE_JPEG, width, height};
    return h;
}

void decode_jpeg(buffer_view in, uint64_t max_pixels, uint8_t *rgba) {
    cuattr_image_info info;
    tj_handle h = open_jpeg(in, max_pixels, &info);
    // libjpeg fills what is missing with grey and only warns: a warning is a failure here.
    const int flags = TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT;
    if (tjDecompress2(h.get(), in.bytes, in.n, rgba, info.width, 0, info.height, TJPF_RGBA, flags) != 0)
        fail(CUATTR_IMAGE_DAMAGED, "JPEG: %s", tjGetErrorStr2(h.get()));
}

// ---- WebP ----

const char *webp_reason(VP8StatusCode code) {
    switch (code) {
    case VP8_STATUS_BITSTREAM_ERROR:
        return "the coded data is wrong";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return "the file uses a feature that libwebp does not read";
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return "the file ends too early";
    default:
        return "the file cannot be decoded";
    }
}

void open_webp(buffer_view in, uint64_t max_pixels, cuattr_image_info *info) {
    WebPBitstreamFeatures features;
    const VP8StatusCode code = WebPGetFeatures(in.bytes, in.n, &features);
    if (code == VP8_STATUS_OUT_OF_MEMORY) throw std::bad_alloc();
    if (code != VP8_STATUS_OK) fail(CUATTR_IMAGE_DAMAGED, "WebP: %s", webp_reason(code));
    if (features.has_animation) fail(CUATTR_IMAGE_NOT_SUPPORTED, "WebP: the file is an animation; extract one frame");
    check_size(uint64_t(features.width), uint64_t(features.height), max_pixels);
    *info = {CUATTR_IMAGE_WEBP, features.width, features.height};
}

void decode_webp(buffer_view in, uint64_t max_pixels, uint8_t *rgba, size_t rgba_bytes) {
    cuattr_image_info info;
    open_webp(in, max_pixels, &info);
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) fail(CUATTR_IMAGE_UNKNOWN, "WebP: libwebp is older than the one this library was built for");
    config.output.colorspace = MODE_RGBA;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = rgba;
    config.output.u.RGBA.stride = info.width * 4;
    config.output.u.RGBA.size = rgba_bytes;
    const VP8StatusCode code = WebPDecode(in.bytes, in.n, &config);
    WebPFreeDecBuffer(&config.output);
    if (code == VP8_STATUS_OUT_OF_MEMORY) throw std::bad_alloc();
    if (code != VP8_STATUS_OK) fail(CUATTR_IMAGE_DAMAGED, "WebP: %s", webp_reason(code));
}

// ---- encoding ----

void check_source(const uint8_t *rgb, int width, int height, uint8_t **out, size_t *out_bytes) {
    require(rgb && out && out_bytes, "a pointer is null");
    require(width > 0 && height > 0, "width and height must be positive");
    *out = nullptr;
    *out_bytes = 0;
}

void copy_out(const void *bytes, size_t n, uint8_t **out, size_t *out_bytes) {
    auto *copy = static_cast<uint8_t *>(std::malloc(n));
    if (!copy) throw std::bad_alloc();
    std::memcpy(copy, bytes, n);
    *out = copy;
    *out_bytes = n;
}

void encode_png(const uint8_t *rgb, int width, int height, uint8_t **out, size_t *out_bytes) {
    auto check = [](int code) {
        if (code == SPNG_EMEM) throw std::bad_alloc();
        if (code != SPNG_OK) fail(CUATTR_IMAGE_UNKNOWN, "PNG encoder: %s", spng_strerror(code));
    };
    spng_handle c(spng_ctx_new(SPNG_CTX_ENCODER));
    if (!c) throw std::bad_alloc();
    check(spng_set_option(c.get(), SPNG_ENCODE_TO_BUFFER, 1));
    check(spng_set_option(c.get(), SPNG_IMG_COMPRESSION_LEVEL, 9));
    check(spng_set_option(c.get(), SPNG_FILTER_CHOICE, SPNG_FILTER_CHOICE_ALL));
    spng_ihdr header = {uint32_t(width), uint32_t(height), 8, SPNG_COLOR_TYPE_TRUECOLOR, 0, 0, SPNG_INTERLACE_NONE};
    check(spng_set_ihdr(c.get(), &header));
    check(spng_encode_image(c.get(), rgb, size_t(width) * height * 3, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE));
    int code = SPNG_OK;
    size_t n = 0;
    std::unique_ptr<void, decltype(&std::free)> png(spng_get_png_buffer(c.get(), &n, &code), &std::free);
    check(code);
    *out = static_cast<uint8_t *>(png.release());
    *out_bytes = n;
}

void encode_jpeg(const uint8_t *rgb, int width, int height, int quality, uint8_t **out, size_t *out_bytes) {
    tj_handle h(tjInitCompress());
    if (!h) throw std::bad_alloc();
    unsigned char *jpeg = nullptr;
    unsigned long n = 0;
    const int code = tjCompress2(h.get(), rgb, width, 0, height, TJPF_RGB, &jpeg, &n, TJSAMP_420, quality, TJFLAG_ACCURATEDCT);
    std::unique_ptr<unsigned char, decltype(&tjFree)> owner(jpeg, &tjFree);
    if (code != 0) fail(CUATTR_IMAGE_INVALID_VALUE, "JPEG encoder: %s", tjGetErrorStr2(h.get()));
    copy_out(jpeg, n, out, out_bytes);
}

struct webp_job {
    WebPConfig config;
    WebPPicture picture;
    WebPMemoryWriter writer;
    webp_job() {
        WebPMemoryWriterInit(&writer);
        if (!WebPConfigInit(&config) || !WebPPictureInit(&picture))
            fail(CUATTR_IMAGE_UNKNOWN, "WebP: libwebp is older than the one this library was built for");
    }
    ~webp_job() {
        WebPPictureFree(&picture);
        WebPMemoryWriterClear(&writer);
    }
    webp_job(const webp_job &) = delete;
    webp_job &operator=(const webp_job &) = delete;
};

void encode_webp(const uint8_t *rgb, int width, int height, float quality, bool lossless, uint8_t **out, size_t *out_bytes) {
    if (width > WEBP_MAX_DIMENSION || height > WEBP_MAX_DIMENSION)
        fail(CUATTR_IMAGE_INVALID_VALUE, "WebP encoder: a side of %d x %d is over the format's limit of %d pixels", width, height,
             WEBP_MAX_DIMENSION);
    webp_job job;
    job.config.quality = quality;
    job.config.lossless = lossless;
    job.config.method = 6;
    job.config.exact = 1;
    job.picture.use_argb = lossless;
    job.picture.width = width;
    job.picture.height = height;
    job.picture.writer = WebPMemoryWrite;
    job.picture.custom_ptr = &job.writer;
    if (!WebPPictureImportRGB(&job.picture, rgb, width * 3)) throw std::bad_alloc();
    if (!WebPEncode(&job.config, &job.picture)) {
        if (job.picture.error_code == VP8_ENC_ERROR_OUT_OF_MEMORY) throw std::bad_alloc();
        fail(CUATTR_IMAGE_UNKNOWN, "WebP encoder: error %d of libwebp", int(job.picture.error_code));
    }
    copy_out(job.writer.mem, job.writer.size, out, out_bytes);
}

} // namespace

extern "C" {

int cuattr_image_abi_version(void) { return CUATTR_IMAGE_ABI; }

const char *cuattr_image_last_error(void) { return last_error; }

int cuattr_image_describe(char *buffer, int n) {
    return guarded([&] {
        require(buffer && n > 0, "the buffer is empty");
        const int webp = WebPGetDecoderVersion();
        std::snprintf(buffer, size_t(n), "spng %s, libwebp %d.%d.%d, libjpeg-turbo", spng_version_string(), webp >> 16, (webp >> 8) & 255,
                      webp & 255);
    });
}

int cuattr_image_probe(const uint8_t *bytes, size_t n, uint64_t max_pixels, cuattr_image_info *info) {
    return guarded([&] {
        require((bytes || n == 0) && info, "a pointer is null");
        const buffer_view in{bytes, n};
        switch (sniff(in)) {
        case CUATTR_IMAGE_PNG:
            open_png(in, max_pixels, info);
            break;
        case CUATTR_IMAGE_JPEG:
            open_jpeg(in, max_pixels, info);
            break;
        default:
            open_webp(in, max_pixels, info);
            break;
        }
    });
}

int cuattr_image_decode(const uint8_t *bytes, size_t n, uint64_t max_pixels, uint8_t *rgba, size_t rgba_bytes) {
    cuattr_image_info info;
    const int status = cuattr_image_probe(bytes, n, max_pixels, &info);
    if (status != CUATTR_IMAGE_OK) return status;
    return guarded([&] {
        require(rgba && rgba_bytes == size_t(info.width) * size_t(info.height) * 4, "the output must hold width x height x 4 bytes");
        const buffer_view in{bytes, n};
        switch (info.format) {
        case CUATTR_IMAGE_PNG:
            decode_png(in, max_pixels, rgba, rgba_bytes);
            break;
        case CUATTR_IMAGE_JPEG:
            decode_jpeg(in, max_pixels, rgba);
            break;
        default:
            decode_webp(in, max_pixels, rgba, rgba_bytes);
            break;
        }
    });
}

int cuattr_image_encode_png(const uint8_t *rgb, int width, int height, uint8_t **out, size_t *out_bytes) {
    return guarded([&] {
        check_source(rgb, width, height, out, out_bytes);
        encode_png(rgb, width, height, out, out_bytes);
    });
}

int cuattr_image_encode_jpeg(const uint8_t *rgb, int width, int height, int quality, uint8_t **out, size_t *out_bytes) {
    return guarded([&] {
        check_source(rgb, width, height, out, out_bytes);
        require(quality >= 1 && quality <= 100, "the JPEG quality must lie in 1 to 100");
        encode_jpeg(rgb, width, height, quality, out, out_bytes);
    });
}

int cuattr_image_encode_webp(const uint8_t *rgb, int width, int height, float quality, int lossless, uint8_t **out, size_t *out_bytes) {
    return guarded([&] {
        check_source(rgb, width, height, out, out_bytes);
        require(quality >= 0 && quality <= 100, "the WebP quality must lie in 0 to 100");
        encode_webp(rgb, width, height, quality, lossless != 0, out, out_bytes);
    });
}

void cuattr_image_free(void *buffer) { std::free(buffer); }

} // extern "C"
