// Fibers: stacks that one operating-system thread switches between, announced to AddressSanitizer and ThreadSanitizer.
//
// Invariants: a fiber is only ever run by the operating-system thread that made it; a stack's last bytes hold a mark that is
// checked whenever the fiber is left, since an overflow would have overwritten another fiber's stack.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#if !defined(__has_feature)
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define CUATTR_ASAN 1
#else
#define CUATTR_ASAN 0
#endif
// Set by the build: the kernels are instrumented with ThreadSanitizer, the runtime is not (it only announces what it does).
#if !defined(CUATTR_TSAN)
#define CUATTR_TSAN 0
#endif

namespace cuattr::simt {

// Memory for many stacks of the same size, handed out and never taken back one by one.
class StackPool {
  public:
    static constexpr size_t stack_bytes = 64 * 1024;

    StackPool() = default;
    StackPool(const StackPool &) = delete;
    StackPool &operator=(const StackPool &) = delete;
    ~StackPool();
    char *take();

  private:
    std::vector<char *> slabs_;
    std::vector<char *> free_;
};

class Fiber {
  public:
    Fiber() = default;
    Fiber(const Fiber &) = delete;
    Fiber &operator=(const Fiber &) = delete;
    ~Fiber();

    // Under ThreadSanitizer: makes the fiber known as one that comes after what the caller has done so far, and takes its stack.
    // Called by the operating-system thread, since a fiber announced by another fiber would be ordered after that one.
    void announce(StackPool &pool);

    // Gives the fiber a stack (once) and makes the next switch to it call entry, which must never return.
    void prepare(StackPool &pool, void (*entry)());

    // Hands the stack that this fiber runs on to `next`, which carries on without a switch.
    void pass_stack_to(Fiber &next) { std::swap(stack_, next.stack_); }

    // Makes this object stand for the operating-system thread's own stack.
    void adopt_os_thread();

    // Forgets what ThreadSanitizer knows of a fiber that was left in the middle of its work.
    void discard();

    bool overflowed() const;

    static void switch_between(Fiber &from, Fiber &to, bool from_ends);

    // The first thing a new fiber does.
    static void arrived(Fiber &self, Fiber &os_thread);

  private:
    void *stack_pointer_ = nullptr;
    char *stack_ = nullptr;
    [[maybe_unused]] const void *asan_bottom_ = nullptr; // of the operating-system thread's stack
    [[maybe_unused]] size_t asan_size_ = 0;
    [[maybe_unused]] void *asan_fake_stack_ = nullptr;
    [[maybe_unused]] void *tsan_fiber_ = nullptr;
    [[maybe_unused]] bool owns_tsan_fiber_ = false;
};

// Happens-before edges for ThreadSanitizer: what came before publish(x) is visible after observe(x).
void publish(void *place);
void observe(void *place);

} // namespace cuattr::simt
