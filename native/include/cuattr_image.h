// Image codecs behind one small C interface (libcuattr_image.so): PNG by libspng, JPEG by libjpeg-turbo, WebP by libwebp.
//
// Every function that can fail returns a cuattr_image_status; the sentence for the last failure on the calling thread is
// cuattr_image_last_error(). No exception crosses this border and no call keeps state between calls, so all functions may be
// called from any thread at the same time.
#ifndef CUATTR_IMAGE_H
#define CUATTR_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CUATTR_IMAGE_ABI 1
#define CUATTR_IMAGE_API __attribute__((visibility("default")))

// The first four and the last have the numbers that CUresult gives the same conditions.
enum cuattr_image_status {
    CUATTR_IMAGE_OK = 0,
    CUATTR_IMAGE_INVALID_VALUE = 1, // an argument of the call is wrong
    CUATTR_IMAGE_OUT_OF_MEMORY = 2,
    CUATTR_IMAGE_NOT_SUPPORTED = 801, // a valid file of a kind that is not read (CMYK JPEG, animated WebP)
    CUATTR_IMAGE_UNKNOWN = 999,
    CUATTR_IMAGE_NOT_AN_IMAGE = 2001, // neither PNG, JPEG nor WebP by its first bytes
    CUATTR_IMAGE_TOO_LARGE = 2002,    // the header states more pixels than allowed
    CUATTR_IMAGE_DAMAGED = 2003,      // truncated, or a checksum or the coded data is wrong
};

enum cuattr_image_format { CUATTR_IMAGE_PNG = 1, CUATTR_IMAGE_JPEG = 2, CUATTR_IMAGE_WEBP = 3 };

typedef struct cuattr_image_info {
    int32_t format; // cuattr_image_format
    int32_t width;
    int32_t height;
} cuattr_image_info;

CUATTR_IMAGE_API int cuattr_image_abi_version(void);

// The sentence for the last failure on this thread; empty before the first one. Valid until the next call on this thread.
CUATTR_IMAGE_API const char *cuattr_image_last_error(void);

// The codec libraries and their versions, for example "spng 0.7.3, libwebp 1.2.4, libjpeg-turbo".
CUATTR_IMAGE_API int cuattr_image_describe(char *buffer, int n);

// Reads only the header. Fails with TOO_LARGE if width x height exceeds max_pixels; nothing of the picture's size is allocated.
CUATTR_IMAGE_API int cuattr_image_probe(const uint8_t *bytes, size_t n, uint64_t max_pixels, cuattr_image_info *info);

// Decodes into rgba, which holds width x height x 4 bytes as probe reported them (rows from the top, no padding, alpha not
// premultiplied). 16-bit samples keep their high byte; gamma, colour profiles and EXIF orientation are not applied.
// A truncated or damaged file fails; what rgba then holds is unspecified.
CUATTR_IMAGE_API int cuattr_image_decode(const uint8_t *bytes, size_t n, uint64_t max_pixels, uint8_t *rgba, size_t rgba_bytes);

// Encoders take width x height x 3 bytes of RGB and return a buffer to be released by cuattr_image_free.
// PNG: 8-bit RGB, zlib level 9, all filters, no ancillary chunk: the same picture gives the same bytes with the same zlib.
CUATTR_IMAGE_API int cuattr_image_encode_png(const uint8_t *rgb, int width, int height, uint8_t **out, size_t *out_bytes);

// JPEG: baseline, 4:2:0, accurate integer DCT; quality 1 to 100.
CUATTR_IMAGE_API int cuattr_image_encode_jpeg(const uint8_t *rgb, int width, int height, int quality, uint8_t **out, size_t *out_bytes);

// WebP, slowest and smallest method. Lossy: quality 0 to 100. Lossless (lossless != 0): quality is the effort, 0 to 100.
CUATTR_IMAGE_API int cuattr_image_encode_webp(const uint8_t *rgb, int width, int height, float quality, int lossless, uint8_t **out,
                                              size_t *out_bytes);

CUATTR_IMAGE_API void cuattr_image_free(void *buffer);

#ifdef __cplusplus
}
#endif
#endif
