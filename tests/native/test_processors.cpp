// Processors that a process may use, read from files like those of a container.
#include "processors.h"

#include <sched.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "check.h"

namespace {

// A folder of the temporary folder that stands for the file system, gone with the test.
class FakeRoot {
  public:
    FakeRoot() {
        std::string name = (std::filesystem::temp_directory_path() / "cuattr-root-XXXXXX").string();
        if (!mkdtemp(name.data())) std::abort();
        path_ = name;
    }
    FakeRoot(const FakeRoot &) = delete;
    FakeRoot &operator=(const FakeRoot &) = delete;
    ~FakeRoot() { std::filesystem::remove_all(path_); }

    FakeRoot &write(const std::string &file, const std::string &text) {
        const std::filesystem::path path = path_.string() + file;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
        return *this;
    }
    std::string path() const { return path_.string(); }

  private:
    std::filesystem::path path_;
};

const char *const version_2 = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
const char *const version_1 = "33 25 0:29 /docker/ab /sys/fs/cgroup/cpuset ro - cgroup cgroup rw,cpuset\n"
                              "34 25 0:30 /docker/ab /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n";

} // namespace

TEST(processors, without_control_groups_there_is_no_quota) {
    FakeRoot root;
    CHECK(std::isinf(cuattr::processor_quota(root.path())));
    root.write("/proc/self/mountinfo", version_2).write("/proc/self/cgroup", "0::/\n");
    CHECK(std::isinf(cuattr::processor_quota(root.path()))); // the top has no cpu.max
}

TEST(processors, the_least_quota_of_version_2_counts_up_to_the_top) {
    FakeRoot root;
    root.write("/proc/self/mountinfo", version_2).write("/proc/self/cgroup", "0::/a/b\n");
    root.write("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    CHECK(std::isinf(cuattr::processor_quota(root.path())));
    root.write("/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
    CHECK_EQUAL(cuattr::processor_quota(root.path()), 1.5);
    root.write("/sys/fs/cgroup/a/b/cpu.max", "20000 50000\n");
    CHECK_EQUAL(cuattr::processor_quota(root.path()), 0.4);
    CHECK_EQUAL(cuattr::usable_processors(root.path()), 1);
    root.write("/sys/fs/cgroup/cpu.max", "10000 50000\n");
    CHECK_EQUAL(cuattr::processor_quota(root.path()), 0.2);
}

TEST(processors, version_1_is_read_where_the_controller_is_mounted) {
    FakeRoot root;
    root.write("/proc/self/mountinfo", version_1).write("/proc/self/cgroup", "5:cpuset:/x\n4:cpu,cpuacct:/docker/ab/c\n1:name=systemd:/\n");
    root.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n").write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n");
    CHECK_EQUAL(cuattr::processor_quota(root.path()), 2.5);
    root.write("/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us", "100000\n").write("/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "-1\n");
    CHECK_EQUAL(cuattr::processor_quota(root.path()), 2.5);
    root.write("/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "50000\n");
    CHECK_EQUAL(cuattr::processor_quota(root.path()), 0.5);
}

TEST(processors, only_those_count_that_the_thread_may_run_on) {
    const FakeRoot root;
    cpu_set_t all;
    CHECK_EQUAL(sched_getaffinity(0, sizeof all, &all), 0);
    CHECK_EQUAL(cuattr::usable_processors(root.path()), CPU_COUNT(&all));
    std::thread([&] {
        cpu_set_t one;
        CPU_ZERO(&one);
        for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
            if (CPU_ISSET(i, &all)) CPU_SET(i, &one);
        CHECK_EQUAL(sched_setaffinity(0, sizeof one, &one), 0);
        CHECK_EQUAL(cuattr::usable_processors(root.path()), 1);
    }).join();
}
