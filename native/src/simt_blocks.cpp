// The simt device: a block's threads are fibers of one operating-system thread; blocks are spread over several.
//
// A block runs in phases. In each, every thread that may go on runs from where it stands to where it waits next (at a barrier of the
// block, or for its warp) or to its end, one after another, in index order or in a random order; then the phase is judged. Warps that
// are complete go on in the next phase; where no warp waits, all threads must have ended (done) or wait at the same barrier (all go
// on); else the launch fails with the names of the places. A kernel without a barrier runs as a plain loop over its threads.
//
// Under ThreadSanitizer every thread is announced as a thread of its own, ordered with others by barriers only, and neighbouring
// blocks run on two separate teams that are ordered by the launch only, so that races within and between blocks are reported.
#include "simt.h"
#include "device.h"
#include "fiber.h"
#include "shared_arena.h"
#include "warp.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>

namespace cuattr {

__thread KernelContext context;

namespace simt {
namespace {

std::atomic<int> random_order{0};

struct Place {
    const char *file = "";
    int line = 0;
    bool operator==(const Place &other) const { return line == other.line && !std::strcmp(file, other.file); }
    std::string text() const { return std::string(file).substr(std::string(file).find_last_of('/') + 1) + ":" + std::to_string(line); }
};

// What a thread did that ends the launch. Plain data: an abandoned thread never runs its destructors.
struct Fault {
    enum Kind { none, shared_memory, no_dynamic, alignment } kind = none;
    int bytes = 0;
    std::string text() const {
        const std::string n = std::to_string(bytes);
        if (kind == shared_memory)
            return "asks for " + n + " bytes of shared memory; a block has " + std::to_string(max_shared_bytes) + ", with dynamic memory " +
                   std::to_string(max_block_shared_bytes) + ".";
        if (kind == no_dynamic) return "uses dynamic shared memory without having any; declare it with KERNEL_SHARED.";
        return "loads or stores " + n + " bytes at an address that is not a multiple of " + n + ".";
    }
};

struct KernelThread {
    Fiber fiber;
    bool started = false, ended = false, waits_for_warp = false;
    Place waits_at;
    unsigned exchanges = 0;
};

// The threads of one block and all they need; used again for block after block.
class Team {
  public:
    // Returns why the block failed, empty on success.
    std::string run_block(const Launch &launch, Dim3 block);

    // ThreadSanitizer: orders this team after, and the caller after this team.
    void begin_launch() { publish(&started_); }
    void end_launch() {
        observe(&ended_[0]);
        observe(&ended_[1]);
    }

    void wait_at_barrier(Place place);
    const void *exchange_in_warp(const void *mine, int bytes, Place place);
    void *shared_memory(const void *key, int bytes);
    void *dynamic_shared_memory();
    [[noreturn]] void abandon_block(Fault fault);

  private:
    static void thread_main();
    void run_threads();
    void choose_order();
    void leave(KernelThread &from, bool ends);
    void enter(unsigned index);
    void let_all_go_on();
    std::string judge_phase();
    std::string judge_barrier() const;
    std::string judge_warps();
    std::string state_of(unsigned index) const;
    uint64_t random();

    StackPool stacks_; // before the fibers, which it outlives
    std::vector<std::unique_ptr<KernelThread>> threads_;
    std::vector<std::unique_ptr<WarpExchange>> warps_;
    std::vector<unsigned> order_; // the threads that run in this phase
    SharedArena shared_;
    Fiber os_thread_;
    const Launch *launch_ = nullptr;
    unsigned count_ = 0, position_ = 0, waiting_ = 0, ended_count_ = 0; // waiting_: at a barrier
    unsigned first_at_barrier_ = 0;
    int diverged_ = -1; // a thread that waits at another barrier than the first
    Fault fault_;
    uint64_t random_state_ = 0;
    // Places for happens-before edges. Blocks alternate between the two ends: a thread follows all threads of the team's previous
    // block, but not those that happened to end before it in its own block.
    // Barriers alternate likewise: a thread that goes on late must not follow what faster ones did after the same barrier.
    // Threads that wait for their warp are followed by nobody, unless they are given up.
    char started_ = 0, barrier_[2] = {}, ended_[2] = {}, waits_for_warp_ = 0;
    unsigned parity_ = 0, barrier_parity_ = 0;
};

__thread Team *running_team __attribute__((tls_model("initial-exec")));

uint64_t Team::random() {
    random_state_ ^= random_state_ << 13;
    random_state_ ^= random_state_ >> 7;
    random_state_ ^= random_state_ << 17;
    return random_state_;
}

void Team::choose_order() {
    if (random_state_)
        for (size_t i = order_.size(); i > 1; i--) std::swap(order_[i - 1], order_[random() % i]);
    position_ = 0;
}

void Team::let_all_go_on() {
    order_.resize(count_);
    for (unsigned i = 0; i < count_; i++) order_[i] = i;
    waiting_ = 0;
    diverged_ = -1;
    barrier_parity_ ^= 1;
}

// Makes the thread at order_[position_] the one that runs, giving it a fresh stack frame at its first turn.
void Team::enter(unsigned index) {
    context.thread = {index, 0, 0};
    KernelThread &thread = *threads_[index];
    if (!thread.started) {
        thread.started = true;
        thread.fiber.prepare(stacks_, &Team::thread_main);
    }
}

// Goes on with the next thread of this phase, or with the operating-system thread where this was the last.
void Team::leave(KernelThread &from, bool ends) {
    if (from.fiber.overflowed()) {
        std::fprintf(stderr,
                     "%s: a thread needs more than %zu bytes of stack on the simt device and has overwritten its neighbour's; the process ends.\n",
                     launch_->kernel->name, StackPool::stack_bytes);
        std::abort();
    }
    if (++position_ == order_.size()) {
        Fiber::switch_between(from.fiber, os_thread_, ends);
    } else {
        const unsigned next = order_[position_];
        enter(next);
        Fiber::switch_between(from.fiber, threads_[next]->fiber, ends);
    }
}

void Team::thread_main() {
    Team &team = *running_team;
    Fiber::arrived(team.threads_[team.order_[team.position_]]->fiber, team.os_thread_);
    team.run_threads();
}

// Runs the thread whose turn it is; after its end the same stack serves the next thread that has not started, without a switch.
void Team::run_threads() {
    for (;;) {
        observe(&started_);
        observe(&ended_[parity_ ^ 1]);
        launch_->kernel->run_thread(launch_->params);
        publish(&ended_[parity_]);
        KernelThread &me = *threads_[context.thread.x];
        me.ended = true;
        ended_count_++;
#if !CUATTR_TSAN
        if (position_ + 1 < order_.size()) {
            const unsigned next = order_[position_ + 1];
            if (!threads_[next]->started) {
                position_++;
                threads_[next]->started = true;
                me.fiber.pass_stack_to(threads_[next]->fiber);
                context.thread = {next, 0, 0};
                continue;
            }
        }
#endif
        leave(me, true);
    }
}

void Team::wait_at_barrier(Place place) {
    const unsigned index = context.thread.x;
    KernelThread &me = *threads_[index];
    me.waits_at = place;
    if (!waiting_++)
        first_at_barrier_ = index;
    else if (diverged_ < 0 && !(threads_[first_at_barrier_]->waits_at == place))
        diverged_ = static_cast<int>(index);
    char *const place_of_order = &barrier_[barrier_parity_];
    publish(place_of_order);
    leave(me, false);
    observe(place_of_order);
}

const void *Team::exchange_in_warp(const void *mine, int bytes, Place place) {
    const unsigned index = context.thread.x;
    KernelThread &me = *threads_[index];
    me.waits_at = place;
    me.waits_for_warp = true;
    publish(&waits_for_warp_);
    const void *const all = warps_[index / WarpExchange::lanes]->arrive(index % WarpExchange::lanes, mine, bytes, me.exchanges++);
    leave(me, false);
    return all;
}

void *Team::shared_memory(const void *key, int bytes) {
    if (void *array = shared_.find_or_make(key, bytes)) return array;
    abandon_block({Fault::shared_memory, shared_.asked()});
}

void *Team::dynamic_shared_memory() {
    const int bytes = launch_->kernel->dynamic_shared_bytes;
    if (!bytes) abandon_block({Fault::no_dynamic, 0});
    if (void *array = shared_.find_or_make_dynamic(bytes)) return array;
    abandon_block({Fault::shared_memory, shared_.asked()});
}

void Team::abandon_block(Fault fault) {
    fault_ = fault;
    publish(&ended_[parity_]);
    Fiber::switch_between(threads_[context.thread.x]->fiber, os_thread_, true);
    std::abort(); // an abandoned thread is never resumed
}

// Finds the threads of the next phase; empty where there are some.
std::string Team::judge_phase() {
    if (fault_.kind != Fault::none) return fault_.text();
    const auto waited_for = [](const auto &warp) { return warp->waited_for(); };
    if (std::any_of(warps_.begin(), warps_.begin() + (count_ + WarpExchange::lanes - 1) / WarpExchange::lanes, waited_for)) return judge_warps();
    const std::string failure = judge_barrier();
    let_all_go_on();
    return failure;
}

// Empty where every thread waits at the same barrier.
std::string Team::judge_barrier() const {
    if (ended_count_) {
        const auto stuck = std::find_if(threads_.begin(), threads_.begin() + count_, [](const auto &t) { return !t->ended; });
        return "deadlock: " + std::to_string(ended_count_) + " of " + std::to_string(count_) + " threads have ended while " +
               std::to_string(waiting_) + " wait at the barrier of " + (*stuck)->waits_at.text() +
               "; every thread of a block must reach every barrier.";
    }
    if (diverged_ >= 0)
        return "divergent barrier: thread " + std::to_string(first_at_barrier_) + " waits at " + threads_[first_at_barrier_]->waits_at.text() +
               ", thread " + std::to_string(diverged_) + " at " + threads_[diverged_]->waits_at.text() +
               "; all threads of a block must wait at the same barrier.";
    return {};
}

// Lets the complete warps go on; empty where there is one, and none has threads in different places.
std::string Team::judge_warps() {
    constexpr unsigned lanes = WarpExchange::lanes;
    order_.clear();
    for (unsigned begin = 0; begin < count_; begin += lanes) {
        WarpExchange &warp = *warps_[begin / lanes];
        if (!warp.complete()) continue;
        for (unsigned i = begin; i < begin + lanes; i++) {
            if (!(threads_[i]->waits_at == threads_[begin]->waits_at))
                return "divergent warp: thread " + std::to_string(begin) + " " + state_of(begin) + ", thread " + std::to_string(i) + " " +
                       state_of(i) + "; all 32 threads of a warp must come to the same place.";
            order_.push_back(i);
        }
        for (unsigned i = begin; i < begin + lanes; i++) threads_[i]->waits_for_warp = false;
        warp.release();
    }
    if (!order_.empty()) return {};
    unsigned waits = 0;
    while (!threads_[waits]->waits_for_warp) waits++;
    unsigned missing = waits / lanes * lanes;
    while (missing < count_ && threads_[missing]->waits_for_warp) missing++;
    return "deadlock: thread " + std::to_string(waits) + " " + state_of(waits) + " while thread " + std::to_string(missing) + " of its warp " +
           state_of(missing) + "; all 32 threads of a warp must come to the same place.";
}

std::string Team::state_of(unsigned index) const {
    if (index >= count_) return "is not there, because the block has " + std::to_string(count_) + " threads";
    const KernelThread &thread = *threads_[index];
    if (thread.ended) return "has ended";
    return (thread.waits_for_warp ? "waits for its warp at " : "waits at the barrier of ") + thread.waits_at.text();
}

std::string Team::run_block(const Launch &launch, Dim3 block) {
    launch_ = &launch;
    count_ = launch.block_threads;
    while (threads_.size() < count_) threads_.push_back(std::make_unique<KernelThread>());
    while (warps_.size() * WarpExchange::lanes < count_) warps_.push_back(std::make_unique<WarpExchange>());
    for (const auto &warp : warps_) warp->clear();
    const uint64_t seed = static_cast<uint64_t>(static_cast<uint32_t>(random_order.load(std::memory_order_relaxed)));
    // Seeded by the block, so that the order does not depend on which operating-system thread runs it.
    random_state_ = seed ? (seed * 0x9e3779b97f4a7c15ull) ^ (block.x + 0x100000001ull * block.y + 0x10000000001ull * block.z + 1) : 0;
    for (unsigned i = 0; i < count_; i++) {
        threads_[i]->started = threads_[i]->ended = threads_[i]->waits_for_warp = false;
        threads_[i]->exchanges = 0;
        threads_[i]->fiber.announce(stacks_);
    }
    ended_count_ = 0;
    parity_ ^= 1;
    fault_ = {};
    shared_.clear();
    os_thread_.adopt_os_thread();
    running_team = this;
    context = {{0, 0, 0}, block, {count_, 1, 1}, launch.grid, nullptr};

    let_all_go_on();
    while (ended_count_ < count_) {
        choose_order();
        enter(order_[0]);
        Fiber::switch_between(os_thread_, threads_[order_[0]]->fiber, false);
        if (ended_count_ == count_) break;
        const std::string failure = judge_phase();
        if (!failure.empty()) {
            end_launch();
            // The threads that are given up, too, come before whatever follows.
            observe(&barrier_[0]);
            observe(&barrier_[1]);
            observe(&waits_for_warp_);
            for (unsigned i = 0; i < count_; i++)
                if (!threads_[i]->ended) threads_[i]->fiber.discard();
            return "block (" + std::to_string(block.x) + ", " + std::to_string(block.y) + ", " + std::to_string(block.z) + ") " + failure;
        }
    }
    return {};
}

// The k-th team of this operating-system thread. On the heap: the thread-local memory of a library whose variables are reached by
// the initial-exec model has to fit into the small surplus that the loader keeps.
template <int k> Team *own_team() {
    thread_local const std::unique_ptr<Team> team = std::make_unique<Team>();
    return team.get();
}

} // namespace

void barrier(const char *file, int line) { running_team->wait_at_barrier({file, line}); }

const void *exchange_in_warp(const void *mine, int bytes, const char *file, int line) {
    return running_team->exchange_in_warp(mine, bytes, {file, line});
}

void *shared_memory(const void *key, int bytes) { return running_team->shared_memory(key, bytes); }

void *dynamic_shared_memory() { return running_team->dynamic_shared_memory(); }

void check_alignment(const void *p, int bytes) {
    if (reinterpret_cast<uintptr_t>(p) % static_cast<unsigned>(bytes)) running_team->abandon_block({Fault::alignment, bytes});
}

} // namespace simt

std::string run_grid(const Launch &launch) {
    using simt::own_team;
    const long long blocks = launch.blocks();
    std::string failure;
#if CUATTR_TSAN
    // One operating-system thread, so that a report does not depend on timing.
    simt::Team *const teams[] = {own_team<0>(), own_team<1>()};
    for (simt::Team *team : teams) team->begin_launch();
    for (long long i = 0; i < blocks && failure.empty(); i++) failure = teams[i % 2]->run_block(launch, launch.block(i));
    for (simt::Team *team : teams) team->end_launch();
#else
    std::atomic<long long> failed_block{blocks};
    std::mutex failing;
    worker_pool().run(blocks, launch.os_threads, *launch.cost, [&](long long i) {
        if (failed_block.load(std::memory_order_relaxed) < i) return; // an earlier block has failed
        std::string why = own_team<0>()->run_block(launch, launch.block(i));
        if (why.empty()) return;
        const std::lock_guard hold(failing);
        if (i >= failed_block.load(std::memory_order_relaxed)) return;
        failed_block.store(i, std::memory_order_relaxed);
        failure = std::move(why);
    });
#endif
    return failure;
}

bool set_option(const std::string &name, int value) {
    if (name != "random_order") return false;
    simt::random_order.store(value, std::memory_order_relaxed);
    return true;
}

bool one_thread_blocks() { return false; }

const char *device_kind() { return "simt, threads as fibers"; }

} // namespace cuattr
