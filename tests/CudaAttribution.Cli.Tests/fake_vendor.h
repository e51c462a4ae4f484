// What the fake cuBLAS and the fake cuDNN share. They compute at once, in double, on the host memory that fake_libcuda.c calls device memory; so that
// the order of the stream holds, they first make the driver run what is pending on the stream they were given. A library that was given none works
// on the legacy default stream, which waits for nothing here: it then reads memory that is not yet written, and the results are wrong.
//
// Environment of both: FAKE_FAIL=function:status (that function does nothing and returns that status). At the end of the process each says on
// standard error how many of its handles and descriptors were not destroyed.
#pragma once

#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAJOR_VERSION, MINOR_VERSION, PATCH_LEVEL }; // libraryPropertyType

static int live_objects;

__attribute__((destructor)) static void report_live_objects(void) {
    if (live_objects) fprintf(stderr, "%s: %d handles or descriptors were not destroyed\n", LIBRARY, live_objects);
}

static const char *setting(const char *name, const char *otherwise) {
    const char *text = getenv(name);
    return text && *text ? text : otherwise;
}

static void *driver(const char *function) {
    void *cuda = dlopen(setting("CUDATTR_LIBCUDA", "libcuda.so.1"), RTLD_NOW | RTLD_NOLOAD), *found = cuda ? dlsym(cuda, function) : NULL;
    if (!found) { fprintf(stderr, "%s: the fake driver is not loaded or has no %s\n", LIBRARY, function); abort(); }
    return found;
}

static int has_context(void) {
    int (*memory)(size_t *, size_t *);
    *(void **)&memory = driver("cuMemGetInfo_v2");
    size_t free_bytes, total;
    return memory(&free_bytes, &total) == 0;
}

// Runs what is pending on the stream; false where the driver refuses.
static int settle(void *stream) {
    int (*wait)(void *);
    *(void **)&wait = driver("cuStreamSynchronize");
    return !stream || wait(stream) == 0;
}

static int on_device(const void *at, size_t bytes) {
    int (*is_device)(uintptr_t, size_t);
    *(void **)&is_device = driver("fake_is_device");
    return is_device((uintptr_t)at, bytes);
}

// The status that FAKE_FAIL asks of this function, or 0.
static int failure(const char *function) {
    const char *text = setting("FAKE_FAIL", ""), *colon = strchr(text, ':');
    return colon && strlen(function) == (size_t)(colon - text) && !strncmp(text, function, strlen(function)) ? atoi(colon + 1) : 0;
}

static int property(const char *variable, const char *version, int which, int *value) {
    int part[3] = {0};
    sscanf(setting(variable, version), "%d.%d.%d", part, part + 1, part + 2);
    if (which < MAJOR_VERSION || which > PATCH_LEVEL) return 0;
    *value = part[which];
    return 1;
}

// An operand as the unit sees it: in TF32 (10 bits of mantissa) where the caller did not exclude it.
static double operand(float x, int exact) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits = exact ? bits : (bits + 0x1000) & ~0x1fffu;
    memcpy(&x, &bits, sizeof x);
    return x;
}
