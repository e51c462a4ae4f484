// The threads that the blocks of a launch are spread over.
//
// A launch is open in a slot while its caller works on it. Workers that are awake join it, take portions of its blocks from one counter until
// none is left, and leave; the caller does the same, and then waits for those inside. Whoever has nothing to do, worker or caller, spins for
// microseconds and then sleeps, so that another program on the same processors gets them.
//
// Invariants: every block is run exactly once, by whom decides nothing; a caller waits only for workers inside its own launch, which run blocks
// and nothing else, so that launches of several threads, or from within a block, never wait for each other in a circle; slots live as long as
// the pool, so that a worker on its way out of a launch never touches memory that the caller has given up.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace cuattr {

// What a block of one kernel takes, as the last launch of it measured: with the number of blocks it tells whether a launch is worth a worker.
class BlockCost {
  public:
    // Whether so many blocks take longer than it takes a sleeping worker to come. A kernel that has not run yet is taken to.
    bool worth_workers(long long blocks) const;
    void measured(long long blocks, double seconds);

  private:
    static constexpr float unknown = -1;
    std::atomic<float> nanoseconds_{unknown};
};

class WorkerPool {
  public:
    // More launches at the same time than this run on their callers alone.
    static constexpr int slots = 16;

    WorkerPool() = default;
    WorkerPool(const WorkerPool &) = delete;
    WorkerPool &operator=(const WorkerPool &) = delete;
    // Ends the workers. No launch may be running.
    ~WorkerPool();

    // Calls body(i) once for each i below count, on up to `threads` threads with the caller among them, and returns when all calls have. After
    // an exception no further portion is begun, and the first one caught is thrown here. Throws std::system_error where the operating system
    // gives no thread.
    template <class Body> void run(long long count, int threads, BlockCost &cost, Body &&body) {
        using Plain = std::remove_reference_t<Body>;
        const auto portion = [](void *self, long long first, long long end) {
            for (long long i = first; i < end; i++) (*static_cast<Plain *>(self))(i);
        };
        run_portions(count, threads, cost, {portion, &body});
    }

    // Workers that exist. They come when a launch first asks for so many, and stay.
    int workers() const { return worker_count_.load(std::memory_order_relaxed); }

  private:
    struct Work {
        void (*portion)(void *body, long long first, long long end);
        void *body;
    };

    // One launch at a time.
    class alignas(64) Slot {
      public:
        bool claim() { return !taken_.exchange(true, std::memory_order_acquire); }
        void release() { taken_.store(false, std::memory_order_release); }

        void open(Work work, long long count, int threads);
        // Whether the calling worker is in; then it must work and leave.
        bool join();
        // Runs portions until none is left; returns how many blocks that were.
        long long work();
        void leave();
        // Waits until every worker has left; returns what a block has thrown.
        std::exception_ptr close();

      private:
        // The state: workers inside, places for further ones, whether the caller sleeps.
        static constexpr uint32_t one_inside = 1, inside = 0xfff, one_place = 0x1000, places = 0xfff000, caller_sleeps = 0x1000000;

        std::atomic<uint32_t> state_{0};
        std::atomic<bool> taken_{false};
        Work work_{};
        long long count_ = 0, portion_ = 1;
        std::exception_ptr error_;
        std::atomic<bool> failed_{false};
        alignas(64) std::atomic<long long> next_{0};
    };

    void run_portions(long long count, int threads, BlockCost &cost, Work work);
    void grow(int workers);
    Slot *claim_slot();
    void call_workers(int wanted);
    void work_until_stopped();

    Slot slots_[slots];
    alignas(64) std::atomic<uint32_t> opened_{0}; // counts launches; what workers wait on
    std::atomic<int> sleeping_{0};
    std::atomic<bool> stopping_{false};
    std::atomic<int> worker_count_{0};
    std::mutex growing_;
    std::vector<std::thread> workers_;
};

// The pool of this library. It is never destroyed: its workers sleep until the process ends.
WorkerPool &worker_pool();

} // namespace cuattr
