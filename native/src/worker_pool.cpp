#include "worker_pool.h"

#include <immintrin.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <utility>

namespace cuattr {

namespace {

using Clock = std::chrono::steady_clock;

// Whoever waits holds its processor for so long, and then offers it to every other thread, again and again, before it sleeps: sleeping after
// the spin alone cost a lone training 10 to 15 % (2 cores, a loaded machine), while a processor that another program wants is given away at once.
constexpr std::chrono::microseconds spin_time{20}, offer_time{2000};
// Launches that one thread ends sooner than this call nobody. A choice: 0 to 20 microseconds trained equally fast.
constexpr float wake_nanoseconds = 20000;
// Blocks of unequal cost, and threads that the operating system halts in the middle of a portion, even out over this many portions a thread.
constexpr int portions_a_thread = 8;

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t) && std::atomic<uint32_t>::is_always_lock_free, "a futex is a plain word");

// Sleeps while the word holds `value`; may return early.
void sleep_on(std::atomic<uint32_t> &word, uint32_t value) { syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0); }

void wake(std::atomic<uint32_t> &word, int sleepers) { syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, sleepers, nullptr, nullptr, 0); }

// Whether the condition came true before it was time to sleep.
template <class Condition> bool spin(Condition condition) {
    constexpr int pauses_a_look = 8;
    const auto start = Clock::now();
    do {
        for (int i = 0; i < pauses_a_look; i++) {
            if (condition()) return true;
            _mm_pause();
        }
    } while (Clock::now() < start + spin_time);
    do {
        if (condition()) return true;
        sched_yield();
    } while (Clock::now() < start + offer_time);
    return false;
}

} // namespace

bool BlockCost::worth_workers(long long blocks) const {
    const float nanoseconds = nanoseconds_.load(std::memory_order_relaxed);
    return nanoseconds == unknown || nanoseconds * static_cast<float>(blocks) > wake_nanoseconds;
}

void BlockCost::measured(long long blocks, double seconds) {
    nanoseconds_.store(static_cast<float>(seconds * 1e9 / static_cast<double>(blocks)), std::memory_order_relaxed);
}

void WorkerPool::Slot::open(Work work, long long count, int threads) {
    work_ = work;
    count_ = count;
    portion_ = std::max(1LL, count / (static_cast<long long>(portions_a_thread) * threads));
    error_ = nullptr;
    failed_.store(false, std::memory_order_relaxed);
    next_.store(0, std::memory_order_relaxed);
    state_.store(static_cast<uint32_t>(threads - 1) * one_place, std::memory_order_release);
}

bool WorkerPool::Slot::join() {
    uint32_t state = state_.load(std::memory_order_relaxed);
    while (state & places)
        if (state_.compare_exchange_weak(state, state - one_place + one_inside, std::memory_order_acquire, std::memory_order_relaxed)) return true;
    return false;
}

long long WorkerPool::Slot::work() {
    long long done = 0;
    for (;;) {
        const long long first = next_.fetch_add(portion_, std::memory_order_relaxed);
        if (first >= count_) return done;
        const long long end = std::min(first + portion_, count_);
        try {
            work_.portion(work_.body, first, end);
        } catch (...) {
            if (!failed_.exchange(true, std::memory_order_relaxed)) error_ = std::current_exception();
            next_.store(count_, std::memory_order_relaxed);
        }
        done += end - first;
    }
}

void WorkerPool::Slot::leave() {
    state_.fetch_and(~places, std::memory_order_relaxed); // nothing is left for those who would still come
    const uint32_t before = state_.fetch_sub(one_inside, std::memory_order_release);
    if ((before & inside) == one_inside && before & caller_sleeps) wake(state_, 1);
}

std::exception_ptr WorkerPool::Slot::close() {
    const auto all_left = [this] { return !(state_.load(std::memory_order_acquire) & inside); };
    state_.fetch_and(~places, std::memory_order_relaxed);
    if (!all_left() && !spin(all_left)) {
        state_.fetch_or(caller_sleeps, std::memory_order_relaxed);
        for (uint32_t state; (state = state_.load(std::memory_order_acquire)) & inside;) sleep_on(state_, state);
    }
    return std::exchange(error_, nullptr);
}

WorkerPool::~WorkerPool() {
    stopping_.store(true, std::memory_order_relaxed);
    opened_.fetch_add(1, std::memory_order_seq_cst);
    wake(opened_, INT_MAX);
    for (std::thread &worker : workers_) worker.join();
}

void WorkerPool::run_portions(long long count, int threads, BlockCost &cost, Work work) {
    if (count < 1) return;
    const int team = static_cast<int>(std::min<long long>(count, threads));
    const bool worth_workers = team > 1 && cost.worth_workers(count);
    if (worth_workers) grow(team - 1);
    Slot *const slot = worth_workers ? claim_slot() : nullptr;
    const auto start = Clock::now();
    const auto seconds = [start] { return std::chrono::duration<double>(Clock::now() - start).count(); };
    if (!slot) {
        work.portion(work.body, 0, count);
        cost.measured(count, seconds());
        return;
    }
    slot->open(work, count, team);
    call_workers(team - 1);
    const long long done = slot->work();
    if (done) cost.measured(done, seconds());
    const std::exception_ptr error = slot->close();
    slot->release();
    if (error) std::rethrow_exception(error);
}

void WorkerPool::grow(int workers) {
    if (this->workers() >= workers) return;
    const std::lock_guard hold(growing_);
    while (static_cast<int>(workers_.size()) < workers) {
        workers_.emplace_back([this] { work_until_stopped(); });
        worker_count_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
    }
}

WorkerPool::Slot *WorkerPool::claim_slot() {
    for (Slot &slot : slots_)
        if (slot.claim()) return &slot;
    return nullptr;
}

// A worker counts itself as sleeping before the kernel compares opened_, and a caller raises opened_ before it reads the count: in the one order
// of these four, either the caller sees the sleeper or the kernel sees the launch.
void WorkerPool::call_workers(int wanted) {
    opened_.fetch_add(1, std::memory_order_seq_cst);
    const int sleeping = sleeping_.load(std::memory_order_seq_cst);
    if (sleeping > 0) wake(opened_, std::min(sleeping, wanted));
}

void WorkerPool::work_until_stopped() {
    for (;;) {
        const uint32_t seen = opened_.load(std::memory_order_seq_cst);
        if (stopping_.load(std::memory_order_relaxed)) return;
        bool helped = false;
        for (Slot &slot : slots_)
            if (slot.join()) {
                slot.work();
                slot.leave();
                helped = true;
            }
        const auto opened = [&] { return opened_.load(std::memory_order_relaxed) != seen; };
        if (helped || spin(opened)) continue;
        sleeping_.fetch_add(1, std::memory_order_seq_cst);
        sleep_on(opened_, seen);
        sleeping_.fetch_sub(1, std::memory_order_relaxed);
    }
}

WorkerPool &worker_pool() {
    static WorkerPool &pool = *new WorkerPool;
    return pool;
}

} // namespace cuattr
