// Stack memory, the context switch (x86-64, System V) and the sanitizers' fiber interfaces.
#include "fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <new>

#if CUATTR_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if CUATTR_TSAN
extern "C" {
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void __tsan_acquire(void *place);
void __tsan_release(void *place);
}
#endif

#if !defined(__x86_64__)
#error "the SIMT runtime switches contexts on x86-64 only"
#endif

// Saves the callee-saved registers on the running stack, stores its stack pointer, and continues on the other stack.
extern "C" void cuattr_switch_stack(void **save_stack_pointer, void *next_stack_pointer);
asm(R"(.text
.globl cuattr_switch_stack
.hidden cuattr_switch_stack
.type cuattr_switch_stack,@function
cuattr_switch_stack:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp,(%rdi)
    movq %rsi,%rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size cuattr_switch_stack,.-cuattr_switch_stack
)");

namespace cuattr::simt {

namespace {

constexpr int stacks_per_slab = 64;
constexpr size_t huge_page = 2u << 20;
// Stacks a power of two apart would share cache sets (measured: 2.7 times slower switches).
constexpr size_t stack_stride = StackPool::stack_bytes + 4096 + 192;
constexpr size_t slab_bytes = (stacks_per_slab * stack_stride + huge_page - 1) / huge_page * huge_page;

constexpr uint64_t overflow_mark = 0x5ca1ab1e0ddba11full;
constexpr int saved_registers = 6;

} // namespace

StackPool::~StackPool() {
    for (char *slab : slabs_) munmap(slab, slab_bytes);
}

char *StackPool::take() {
    if (free_.empty()) {
        void *memory = mmap(nullptr, slab_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) throw std::bad_alloc();
        char *slab = static_cast<char *>(memory);
        slabs_.push_back(slab);
#if !CUATTR_ASAN && !CUATTR_TSAN
        madvise(slab, slab_bytes, MADV_HUGEPAGE);
#endif
        for (int i = stacks_per_slab - 1; i >= 0; i--) free_.push_back(slab + i * stack_stride);
    }
    char *stack = free_.back();
    free_.pop_back();
    return stack;
}

Fiber::~Fiber() { discard(); }

void Fiber::discard() {
#if CUATTR_TSAN
    if (tsan_fiber_ && owns_tsan_fiber_) __tsan_destroy_fiber(tsan_fiber_);
    tsan_fiber_ = nullptr;
#endif
}

void Fiber::adopt_os_thread() {
#if CUATTR_TSAN
    tsan_fiber_ = __tsan_get_current_fiber();
    owns_tsan_fiber_ = false;
#endif
}

void Fiber::announce([[maybe_unused]] StackPool &pool) {
#if CUATTR_TSAN
    if (!stack_) stack_ = pool.take();
    if (tsan_fiber_) return; // kept between blocks: creating one takes about 100 us
    tsan_fiber_ = __tsan_create_fiber(0);
    owns_tsan_fiber_ = true;
#endif
}

void Fiber::prepare(StackPool &pool, void (*entry)()) {
    if (!stack_) stack_ = pool.take();
#if CUATTR_ASAN
    ASAN_UNPOISON_MEMORY_REGION(stack_, StackPool::stack_bytes); // the last user of this stack never unwound its frames
    asan_fake_stack_ = nullptr;
#endif
    std::memcpy(stack_, &overflow_mark, sizeof overflow_mark);
    void **top = reinterpret_cast<void **>(stack_ + StackPool::stack_bytes);
    *--top = nullptr; // the return address of entry; also aligns its frame as a call would
    *--top = reinterpret_cast<void *>(entry);
    for (int i = 0; i < saved_registers; i++) *--top = nullptr;
    stack_pointer_ = top;
}

bool Fiber::overflowed() const { return stack_ && std::memcmp(stack_, &overflow_mark, sizeof overflow_mark) != 0; }

void Fiber::switch_between(Fiber &from, Fiber &to, [[maybe_unused]] bool from_ends) {
#if CUATTR_ASAN
    const bool to_os_thread = !to.stack_;
    __sanitizer_start_switch_fiber(from_ends ? nullptr : &from.asan_fake_stack_, to_os_thread ? to.asan_bottom_ : to.stack_,
                                   to_os_thread ? to.asan_size_ : StackPool::stack_bytes);
#endif
#if CUATTR_TSAN
    constexpr unsigned no_synchronisation = 1;
    __tsan_switch_to_fiber(to.tsan_fiber_, no_synchronisation);
#endif
    cuattr_switch_stack(&from.stack_pointer_, to.stack_pointer_);
#if CUATTR_ASAN
    __sanitizer_finish_switch_fiber(from.asan_fake_stack_, nullptr, nullptr);
#endif
}

void Fiber::arrived([[maybe_unused]] Fiber &self, [[maybe_unused]] Fiber &os_thread) {
#if CUATTR_ASAN
    const void *bottom = nullptr;
    size_t size = 0;
    __sanitizer_finish_switch_fiber(self.asan_fake_stack_, &bottom, &size);
    if (!os_thread.asan_bottom_) { // the very first switch comes from the operating-system thread's stack
        os_thread.asan_bottom_ = bottom;
        os_thread.asan_size_ = size;
    }
#endif
}

void publish([[maybe_unused]] void *place) {
#if CUATTR_TSAN
    __tsan_release(place);
#endif
}

void observe([[maybe_unused]] void *place) {
#if CUATTR_TSAN
    __tsan_acquire(place);
#endif
}

} // namespace cuattr::simt
