// A CUDA driver library for tests: device memory is host memory, and work issued on a stream runs only when somebody waits for it,
// so that a missing synchronisation, a copy from memory that is not page-locked or a call without a current context shows.
//
// Environment: FAKE_CUDA_VERSION (12040), FAKE_CUDA_DEVICES (1), FAKE_CUDA_CAPABILITY (90), FAKE_CUDA_INIT (result of cuInit),
// FAKE_CUDA_OOM_AT=n (the n-th allocation fails), FAKE_CUDA_LAUNCH=r (cuLaunchKernel returns r), FAKE_CUDA_FAULT=r (a launched kernel
// faults: every later wait returns r), FAKE_CUDA_KERNELS=file[:file] (host device libraries, cuattr.h; the first that has a kernel runs its
// launches; without any they are only recorded), FAKE_CUDA_DROP_CONTEXT=1 (a launch leaves no context current, as another library may),
// FAKE_CUDA_COUNTS=file (gets the numbers of launches and of waits when the process ends),
// FAKE_CUDA_REFUSE_CUBIN=1 (a cubin is not taken), FAKE_CUDA_CUBIN_PTX=file (the PTX that stands in for a real cubin), FAKE_CUDA_SHARED_LIMIT (232448; most shared memory of a block),
// FAKE_CUDA_MAX_THREADS=n (how many threads a compiled kernel takes at most; its launch bound). Built with -DWITHOUT_GRAPHS or
// -DWITHOUT_MEMSET it lacks those functions, as an old driver would.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, NO_DEVICE = 100, INVALID_DEVICE = 101, INVALID_CONTEXT = 201, NO_BINARY_FOR_GPU = 209, INVALID_PTX = 218,
       INVALID_HANDLE = 400, NOT_FOUND = 500, NOT_READY = 600, LAUNCH_FAILED = 719, CAPTURE_INVALID = 901, CAPACITY = 4096 };
typedef int R;
typedef uintptr_t P;

typedef int (*HostLaunch)(void *, unsigned, unsigned, unsigned, unsigned, unsigned, const void *);
typedef struct { char name[128]; int max_threads, param_bytes, most_shared; void *host; HostLaunch launch; } Function;
typedef struct Event Event;
typedef struct Work { enum { COPY, SET, LAUNCH, RECORD } kind; P to, from; size_t bytes; long value; Function *f; unsigned grid[3], shared; unsigned char params[256]; Event *event; } Work;
typedef struct { Work *work; int count, room; } Queue;
typedef struct { Queue queue; long first, done; Queue *graph; } Stream; // queue.work[0] is the work number `first`
struct Event { Stream *stream; long position; int done; double at; };

#define MEMORY (8ull << 30)
static struct { P at; size_t bytes; int pinned; } blocks[CAPACITY];
static int block_count, allocations, fault, initialised, cubins, last_shared, retained[16];
static Stream *streams[CAPACITY];
static int stream_count;
static __thread P current;

static int setting(const char *name, int otherwise) { const char *t = getenv(name); return t && *t ? atoi(t) : otherwise; }
static int live(void) { return initialised && current >= 1 && current <= 16 && retained[current - 1] > 0; }
#define NEED_CONTEXT() do { if (!live()) return INVALID_CONTEXT; } while (0)

static int inside(P at, size_t bytes, int pinned) {
    for (int i = 0; i < block_count; i++)
        if (at >= blocks[i].at && at + bytes <= blocks[i].at + blocks[i].bytes) return blocks[i].pinned == pinned;
    return 0;
}

static void push(Queue *q, Work w) {
    if (q->count == q->room) q->work = realloc(q->work, sizeof(Work) * (size_t)(q->room = q->room ? 2 * q->room : 64));
    q->work[q->count++] = w;
}

static long issued(const Stream *s) { return s->first + s->queue.count; }

static R issue(Stream *s, Work w) {
    if (!s) return INVALID_HANDLE;
    push(s->graph ? s->graph : &s->queue, w);
    return OK;
}

static int find_on_host(Function *f) {
    const char *setting = getenv("FAKE_CUDA_KERNELS");
    if (!setting || !*setting) return OK;
    char files[4096];
    snprintf(files, sizeof files, "%s", setting);
    for (char *rest, *file = strtok_r(files, ":", &rest); file; file = strtok_r(NULL, ":", &rest)) {
        void *library = dlopen(file, RTLD_NOW); // the same handle again and again
        if (!library) { fprintf(stderr, "fake driver: %s\n", dlerror()); abort(); }
        int (*get)(void **, const char *), (*info)(void *, int *, int *, int *), block, shared;
        *(void **)&get = dlsym(library, "cuattr_get_function");
        *(void **)&info = dlsym(library, "cuattr_function_info");
        *(void **)&f->launch = dlsym(library, "cuattr_launch_kernel");
        if (get(&f->host, f->name) == OK) return info(f->host, &block, &f->param_bytes, &shared) || f->param_bytes > (int)sizeof ((Work *)0)->params ? INVALID_VALUE : OK;
    }
    return NOT_FOUND;
}

static void run_kernel(Work *w) {
    if (setting("FAKE_CUDA_FAULT", 0)) fault = setting("FAKE_CUDA_FAULT", 0);
    if (w->f->host && w->f->launch(w->f->host, w->grid[0], w->grid[1], w->grid[2], (unsigned)w->f->max_threads, w->shared, w->params)) fault = LAUNCH_FAILED;
}

static void run(Stream *s, long until) {
    while (s->done < until) {
        Work *w = &s->queue.work[s->done++ - s->first];
        if (w->kind == COPY) memmove((void *)w->to, (void *)w->from, w->bytes);
        if (w->kind == SET) memset((void *)w->to, (int)w->value, w->bytes);
        if (w->kind == LAUNCH) run_kernel(w);
        if (w->kind == RECORD) {
            struct timespec t;
            clock_gettime(CLOCK_MONOTONIC, &t);
            w->event->at = 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
            w->event->done = w->event->position == s->done;
        }
    }
    if (s->done == issued(s)) s->first = s->done, s->queue.count = 0;
}

static long launches, waits;
static void write_counts(void) {
    FILE *file = fopen(getenv("FAKE_CUDA_COUNTS"), "w");
    if (file) { fprintf(file, "%ld %ld\n", launches, waits); fclose(file); }
}
R cuInit(unsigned flags) {
    (void)flags;
    if (!initialised && getenv("FAKE_CUDA_COUNTS")) atexit(write_counts);
    initialised = 1;
    return setting("FAKE_CUDA_INIT", setting("FAKE_CUDA_DEVICES", 1) ? OK : NO_DEVICE);
}
R cuDriverGetVersion(int *v) { *v = setting("FAKE_CUDA_VERSION", 12040); return OK; }
R cuGetErrorName(int e, const char **t) {
    *t = e == OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : e == NO_DEVICE ? "CUDA_ERROR_NO_DEVICE" : e == NO_BINARY_FOR_GPU ? "CUDA_ERROR_NO_BINARY_FOR_GPU" : e == INVALID_PTX ? "CUDA_ERROR_INVALID_PTX"
       : e == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS" : e == 701 ? "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES" : e == INVALID_CONTEXT ? "CUDA_ERROR_INVALID_CONTEXT" : NULL;
    return *t ? OK : INVALID_VALUE;
}
R cuGetErrorString(int e, const char **t) { static __thread char text[64]; snprintf(text, sizeof text, "sentence for error %d", e); *t = text; return OK; }
R cuDeviceGetCount(int *n) { *n = setting("FAKE_CUDA_DEVICES", 1); return initialised ? OK : NOT_INITIALIZED; }
R cuDeviceGet(int *d, int i) { *d = i; return i < setting("FAKE_CUDA_DEVICES", 1) ? OK : INVALID_DEVICE; }
R cuDeviceGetName(char *t, int n, int d) { snprintf(t, (size_t)n, "Fake GPU %d", d); return OK; }
R cuDeviceTotalMem_v2(size_t *n, int d) { (void)d; *n = MEMORY; return OK; }
R cuDeviceGetAttribute(int *v, int a, int d) {
    (void)d;
    int capability = setting("FAKE_CUDA_CAPABILITY", 90);
    *v = a == 16 ? 7 : a == 38 ? 1 << 16 : a == 75 ? capability / 10 : a == 76 ? capability % 10 : a == 97 ? setting("FAKE_CUDA_SHARED_LIMIT", 232448) : -1;
    return OK;
}
R cuDevicePrimaryCtxRetain(P *c, int d) { retained[d]++; *c = (P)d + 1; return OK; }
R cuDevicePrimaryCtxRelease_v2(int d) { return retained[d]-- > 0 ? OK : INVALID_CONTEXT; }
R cuCtxSetCurrent(P c) { current = c; return OK; }

static R allocate(P *p, size_t bytes, int pinned) {
    NEED_CONTEXT();
    if (!bytes || block_count == CAPACITY) return INVALID_VALUE;
    if (++allocations == setting("FAKE_CUDA_OOM_AT", -1) || bytes > MEMORY) return OUT_OF_MEMORY;
    *p = (P)aligned_alloc(256, (bytes + 255) / 256 * 256);
    memset((void *)*p, 0xcd, bytes);
    blocks[block_count].at = *p, blocks[block_count].bytes = bytes, blocks[block_count++].pinned = pinned;
    return OK;
}
static R release(P p, int pinned) {
    NEED_CONTEXT();
    for (int i = 0; i < stream_count; i++) if (streams[i]) run(streams[i], issued(streams[i]));
    for (int i = 0; i < block_count; i++)
        if (blocks[i].at == p && blocks[i].pinned == pinned) { free((void *)p); blocks[i] = blocks[--block_count]; return OK; }
    return INVALID_VALUE;
}
R cuMemAlloc_v2(P *p, size_t bytes) { return allocate(p, bytes, 0); }
R cuMemFree_v2(P p) { return release(p, 0); }
R cuMemHostAlloc(P *p, size_t bytes, unsigned flags) { (void)flags; return allocate(p, bytes, 1); }
R cuMemFreeHost(P p) { return release(p, 1); }
R cuMemGetInfo_v2(size_t *f, size_t *t) {
    NEED_CONTEXT();
    *f = *t = MEMORY;
    for (int i = 0; i < block_count; i++) if (!blocks[i].pinned) *f -= blocks[i].bytes;
    return OK;
}
int fake_live_blocks(void) { return block_count; }
int fake_is_device(P at, size_t bytes) { return inside(at, bytes, 0); }
int fake_last_shared(void) { return last_shared; }
int fake_cubins(void) { return cubins; }
int fake_retained(int d) { return retained[d]; }

R cuMemcpyHtoDAsync_v2(P to, P from, size_t n, Stream *s) {
    NEED_CONTEXT();
    return inside(to, n, 0) && inside(from, n, 1) && !s->graph ? issue(s, (Work){.kind = COPY, .to = to, .from = from, .bytes = n}) : INVALID_VALUE;
}
R cuMemcpyDtoHAsync_v2(P to, P from, size_t n, Stream *s) {
    NEED_CONTEXT();
    return inside(to, n, 1) && inside(from, n, 0) && !s->graph ? issue(s, (Work){.kind = COPY, .to = to, .from = from, .bytes = n}) : INVALID_VALUE;
}
R cuMemcpyDtoDAsync_v2(P to, P from, size_t n, Stream *s) {
    NEED_CONTEXT();
    return inside(to, n, 0) && inside(from, n, 0) ? issue(s, (Work){.kind = COPY, .to = to, .from = from, .bytes = n}) : INVALID_VALUE;
}
#ifndef WITHOUT_MEMSET
R cuMemsetD8Async(P to, unsigned char v, size_t n, Stream *s) {
    NEED_CONTEXT();
    return inside(to, n, 0) ? issue(s, (Work){.kind = SET, .to = to, .bytes = n, .value = v}) : INVALID_VALUE;
}
#endif

R cuStreamCreate(Stream **s, unsigned flags) { NEED_CONTEXT(); (void)flags; *s = streams[stream_count++] = calloc(1, sizeof(Stream)); return OK; }
R cuStreamSynchronize(Stream *s) { NEED_CONTEXT(); waits++; if (s->graph) return CAPTURE_INVALID; run(s, issued(s)); return fault; }
R cuStreamDestroy_v2(Stream *s) {
    NEED_CONTEXT();
    run(s, issued(s));
    for (int i = 0; i < stream_count; i++) if (streams[i] == s) streams[i] = NULL;
    return OK; // kept: an event may still point at it
}
R cuEventCreate(Event **e, unsigned flags) { NEED_CONTEXT(); (void)flags; *e = calloc(1, sizeof(Event)); return OK; }
R cuEventDestroy_v2(Event *e) { NEED_CONTEXT(); return e ? OK : INVALID_HANDLE; }
R cuEventRecord(Event *e, Stream *s) {
    NEED_CONTEXT();
    if (s->graph) return CAPTURE_INVALID;
    e->stream = s, e->position = issued(s) + 1, e->done = 0;
    return issue(s, (Work){.kind = RECORD, .event = e});
}
R cuEventSynchronize(Event *e) { NEED_CONTEXT(); waits++; if (e->stream) run(e->stream, e->position); return fault; }
R cuEventElapsedTime(float *ms, Event *a, Event *b) { NEED_CONTEXT(); *ms = (float)(b->at - a->at); return a->done && b->done ? OK : NOT_READY; }

static R refuse_image(R status, const char *why, unsigned n, const int *options, void **values) {
    for (unsigned i = 0; i < n; i++)
        if (options[i] == 5) snprintf(values[i], 65536, "%s", why);
    return status;
}

// What stands for a cubin: the line "FAKE CUBIN <capability>[a]", then the PTX text it was made of, then a zero.
// A real cubin, in a rehearsal with one: nothing here reads machine code, so the PTX that it was made of stands in.
static char *text_of_real_cubin(void) {
    const char *path = getenv("FAKE_CUDA_CUBIN_PTX");
    FILE *file = path ? fopen(path, "rb") : NULL;
    char *text = NULL;
    size_t bytes = 0;
    if (file && getdelim(&text, &bytes, 0, file) < 0) text = NULL;
    if (file) fclose(file);
    return text;
}
R cuModuleLoadDataEx(char **m, const char *image, unsigned n, const int *options, void **values) {
    NEED_CONTEXT();
    const char *text = image;
    if (!strncmp(image, "FAKE CUBIN ", 11)) {
        const int target = atoi(image + 11), device = setting("FAKE_CUDA_CAPABILITY", 90);
        text = strchr(image, '\n') + 1;
        if (setting("FAKE_CUDA_REFUSE_CUBIN", 0) || (text[-2] == 'a' ? target != device : target / 10 != device / 10 || target > device))
            return refuse_image(NO_BINARY_FOR_GPU, "fatal : Cubin does not fit", n, options, values);
        cubins++;
    }
    if (!strncmp(image, "\177ELF", 4) && (text = text_of_real_cubin())) {
        cubins++;
        *m = (char *)text;
        return OK;
    }
    if (!text || !strstr(text, ".version"))
        return refuse_image(INVALID_PTX, "ptxas application ptx input, line 1; fatal : Missing .version directive at start of file", n, options, values);
    *m = strdup(text);
    return OK;
}
R cuModuleUnload(char *m) { NEED_CONTEXT(); free(m); return OK; }
R cuModuleGetFunction(Function **f, const char *m, const char *name) {
    NEED_CONTEXT();
    char key[160];
    snprintf(key, sizeof key, ".entry %s(", name);
    const char *entry = strstr(m, key), *bound = entry ? strstr(entry, ".maxntid") : NULL;
    if (!entry) return NOT_FOUND;
    *f = calloc(1, sizeof(Function));
    snprintf((*f)->name, sizeof (*f)->name, "%s", name);
    (*f)->most_shared = 48 * 1024;
    (*f)->max_threads = bound ? atoi(bound + 8) : 1024;
    return find_on_host(*f);
}
R cuFuncGetAttribute(int *v, int a, Function *f) { NEED_CONTEXT(); *v = a == 0 ? setting("FAKE_CUDA_MAX_THREADS", f->max_threads) : a == 4 ? 32 : a == 5 ? 80 : a == 6 ? 90 : 0; return OK; }
R cuFuncSetAttribute(Function *f, int a, int v) {
    NEED_CONTEXT();
    if (a != 8 || v < 0 || v > setting("FAKE_CUDA_SHARED_LIMIT", 232448)) return INVALID_VALUE;
    f->most_shared = v;
    return OK;
}
R cuLaunchKernel(Function *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, Stream *s, void **params, void **extra) {
    NEED_CONTEXT();
    launches++;
    if (setting("FAKE_CUDA_DROP_CONTEXT", 0)) current = 0;
    if (setting("FAKE_CUDA_LAUNCH", 0)) return setting("FAKE_CUDA_LAUNCH", 0);
    if (!gx || !gy || !gz || (int)(bx * by * bz) != f->max_threads || (int)shared > f->most_shared || extra) return INVALID_VALUE;
    Work w = {.kind = LAUNCH, .f = f, .grid = {gx, gy, gz}, .shared = last_shared = (int)shared};
    memcpy(w.params, params[0], (size_t)f->param_bytes);
    return issue(s, w);
}

#ifndef WITHOUT_GRAPHS
R cuStreamBeginCapture_v2(Stream *s, int mode) { NEED_CONTEXT(); (void)mode; s->graph = calloc(1, sizeof(Queue)); return OK; }
R cuStreamEndCapture(Stream *s, Queue **g) { NEED_CONTEXT(); *g = s->graph; s->graph = NULL; return *g ? OK : CAPTURE_INVALID; }
R cuGraphInstantiateWithFlags(Queue **x, const Queue *g, uint64_t flags) {
    NEED_CONTEXT();
    (void)flags;
    *x = calloc(1, sizeof(Queue));
    for (int i = 0; i < g->count; i++) push(*x, g->work[i]);
    return OK;
}
R cuGraphDestroy(Queue *g) { free(g->work); free(g); return OK; }
R cuGraphExecDestroy(Queue *x) { return cuGraphDestroy(x); }
R cuGraphLaunch(Queue *x, Stream *s) { NEED_CONTEXT(); for (int i = 0; i < x->count; i++) issue(s, x->work[i]); return OK; }
#endif
