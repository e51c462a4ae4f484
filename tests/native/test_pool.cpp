// The pool itself: every block once, launches within and beside launches, exceptions, numbers of threads, sleep.
#include "worker_pool.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>

#include "check.h"

using cuattr::BlockCost;
using cuattr::WorkerPool;

namespace {

// Runs a launch of a kernel that has not run before, so that workers are called however small it is.
template <class Body> void run(WorkerPool &pool, long long count, int threads, Body body) {
    BlockCost cost;
    pool.run(count, threads, cost, body);
}

// Every block once, by numbers that are no atomics: ThreadSanitizer reports a block that two threads run, and a caller that reads too early.
void expect_each_once(WorkerPool &pool, long long count, int threads) {
    std::vector<int> runs(static_cast<size_t>(count));
    run(pool, count, threads, [&](long long i) { runs[static_cast<size_t>(i)]++; });
    long long wrong = 0;
    for (const int n : runs) wrong += n != 1;
    if (wrong) report_failure(__FILE__, __LINE__, std::to_string(wrong) + " of " + std::to_string(count) + " blocks on " + std::to_string(threads) + " threads");
}

// Holds threads until `expected` of them have come.
class Gathering {
  public:
    explicit Gathering(int expected) : missing_(expected) {}
    void come() {
        missing_--;
        while (missing_ > 0) std::this_thread::yield();
    }

  private:
    std::atomic<int> missing_;
};

// The letter of proc(5) for what a thread of this process does: S where it sleeps.
char state_of_thread(const std::string &id) {
    std::ifstream file("/proc/self/task/" + id + "/stat");
    std::string line;
    std::getline(file, line);
    const size_t name_end = line.rfind(')');
    return name_end == std::string::npos ? '?' : line[name_end + 2];
}

std::string this_thread() { return std::to_string(syscall(SYS_gettid)); }

// Waits for a thread to fall asleep; false after ten thousand looks in vain.
bool falls_asleep(const std::string &thread) {
    for (int look = 0; look < 10000; look++) {
        if (state_of_thread(thread) == 'S') return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
}

} // namespace

TEST(pool, runs_every_block_once) {
    WorkerPool pool;
    for (const int threads : {1, 2, 3, 5, 16})
        for (const long long count : {0, 1, 2, 3, 15, 16, 17, 1000, 10007}) expect_each_once(pool, count, threads);
}

TEST(pool, uses_as_many_threads_as_asked_also_more_than_there_are_processors) {
    WorkerPool pool;
    for (const int threads : {2, 3, 24, 2}) {
        Gathering all(threads); // each block waits for all others: fewer threads would never end
        run(pool, threads, threads, [&](long long) { all.come(); });
        std::mutex lock;
        std::set<std::thread::id> used;
        run(pool, 200, threads, [&](long long) {
            std::this_thread::sleep_for(std::chrono::microseconds(100)); // time for all workers to come, were they let in
            const std::lock_guard hold(lock);
            used.insert(std::this_thread::get_id());
        });
        CHECK(static_cast<int>(used.size()) <= threads);
    }
    CHECK_EQUAL(pool.workers(), 23);
}

TEST(pool, many_launches_on_more_threads_than_processors_all_end) {
    WorkerPool pool;
    std::vector<long long> sums(64);
    for (int launch = 0; launch < 500; launch++) run(pool, 64, 32, [&](long long i) { sums[static_cast<size_t>(i)] += i + launch; });
    for (long long i = 0; i < 64; i++) CHECK_EQUAL(sums[static_cast<size_t>(i)], 500 * i + 500 * 499 / 2);
}

TEST(pool, blocks_may_launch) {
    WorkerPool pool;
    std::vector<int> runs(6 * 7 * 8);
    run(pool, 6, 3, [&](long long i) {
        run(pool, 7, 3, [&](long long j) { run(pool, 8, 3, [&](long long k) { runs[static_cast<size_t>((i * 7 + j) * 8 + k)]++; }); });
    });
    for (const int n : runs) CHECK_EQUAL(n, 1);
}

TEST(pool, takes_launches_of_several_threads_at_once) {
    WorkerPool pool;
    std::vector<std::thread> callers;
    for (int c = 0; c < 8; c++)
        callers.emplace_back([&pool, c] {
            for (int launch = 0; launch < 60; launch++) expect_each_once(pool, 1 + (launch * 37 + c * 11) % 200, 1 + (launch + c) % 4);
        });
    for (std::thread &caller : callers) caller.join();
}

TEST(pool, runs_launches_beyond_its_slots_on_their_callers) {
    WorkerPool pool;
    constexpr int launches = WorkerPool::slots + 4;
    Gathering all(launches);
    std::vector<std::thread> callers;
    std::vector<int> runs(launches * 5);
    for (int c = 0; c < launches; c++)
        callers.emplace_back([&, c] {
            const std::thread::id caller = std::this_thread::get_id();
            bool begun = false;
            run(pool, 5, 2, [&](long long i) {
                if (std::this_thread::get_id() == caller && !begun) {
                    begun = true;
                    all.come();
                }
                runs[static_cast<size_t>(c * 5 + i)]++;
            });
            if (!begun) all.come(); // the worker was faster in all five
        });
    for (std::thread &caller : callers) caller.join();
    for (const int n : runs) CHECK_EQUAL(n, 1);
}

TEST(pool, hands_the_callers_exception_and_the_workers_on) {
    WorkerPool pool;
    for (const bool on_worker : {false, true}) {
        const std::thread::id caller = std::this_thread::get_id();
        Gathering both(2);
        std::string said;
        try {
            run(pool, 2, 2, [&](long long) {
                both.come();
                if ((std::this_thread::get_id() != caller) == on_worker) throw std::runtime_error(on_worker ? "worker" : "caller");
            });
        } catch (const std::runtime_error &e) {
            said = e.what();
        }
        CHECK_EQUAL(said, std::string(on_worker ? "worker" : "caller"));
        expect_each_once(pool, 100, 2);
    }
}

TEST(pool, begins_no_portion_after_an_exception) {
    WorkerPool pool;
    for (const int threads : {1, 2}) {
        std::atomic<int> begun{0};
        bool thrown = false;
        try {
            run(pool, 1'000'000, threads, [&](long long) {
                begun++;
                throw std::runtime_error("first");
            });
        } catch (const std::runtime_error &) {
            thrown = true;
        }
        CHECK(thrown);
        CHECK(begun <= threads);
    }
}

TEST(pool, runs_a_launch_that_is_too_short_on_its_caller_alone) {
    WorkerPool pool;
    BlockCost cost;
    CHECK(cost.worth_workers(2));
    cost.measured(1000, 1e-5); // 10 ns a block
    CHECK(!cost.worth_workers(100));
    CHECK(cost.worth_workers(1'000'000));
    const std::thread::id caller = std::this_thread::get_id();
    int elsewhere = 0;
    pool.run(100, 4, cost, [&](long long) { elsewhere += std::this_thread::get_id() != caller; });
    CHECK_EQUAL(elsewhere, 0);
    CHECK_EQUAL(pool.workers(), 0);
    run(pool, 100, 4, [](long long) {});
    CHECK_EQUAL(pool.workers(), 3);
}

TEST(pool, measures_what_a_block_takes) {
    WorkerPool pool;
    BlockCost cost;
    pool.run(4, 1, cost, [](long long) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); });
    CHECK(cost.worth_workers(2));
    pool.run(1'000'000, 1, cost, [](long long i) { asm volatile("" : : "r"(i)); });
    CHECK(!cost.worth_workers(2));
}

TEST(pool, sleeps_while_it_waits) {
    WorkerPool pool;
    std::string worker;
    Gathering both(2);
    const std::string caller = this_thread();
    bool caller_slept = false;
    run(pool, 2, 2, [&](long long) {
        both.come();
        if (this_thread() == caller) return;
        worker = this_thread();
        caller_slept = falls_asleep(caller);
    });
    CHECK(caller_slept);
    CHECK(falls_asleep(worker));
    expect_each_once(pool, 100, 2); // and wakes again
}

TEST(pool, ends_its_workers) {
    for (int k = 0; k < 50; k++) {
        WorkerPool pool;
        expect_each_once(pool, k, 1 + k % 4);
    }
}
