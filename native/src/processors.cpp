#include "processors.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <vector>

namespace cuattr {

namespace {

constexpr double no_limit = std::numeric_limits<double>::infinity();

int processors_of_affinity() {
    for (int room = CPU_SETSIZE; room <= 1 << 20; room *= 2) { // the kernel refuses a set smaller than its own
        std::vector<cpu_set_t> set(static_cast<size_t>(room) / CPU_SETSIZE);
        const size_t bytes = set.size() * sizeof(cpu_set_t);
        if (!sched_getaffinity(0, bytes, set.data())) return std::max(1, CPU_COUNT_S(bytes, set.data()));
        if (errno != EINVAL) break;
    }
    return 1;
}

bool has_word(const std::string &list, const std::string &word) { return ("," + list + ",").find("," + word + ",") != std::string::npos; }

// A folder of control groups: where it is mounted, and which group is at its top.
struct Mount {
    std::string top, place;
};

// cgroups(7): version 2 is one hierarchy; in version 1 the one with the controller cpu counts.
bool find_mount(const std::string &root, bool version_2, Mount &found) {
    std::ifstream file(root + "/proc/self/mountinfo");
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string skipped, type, source, options;
        Mount mount;
        words >> skipped >> skipped >> skipped >> mount.top >> mount.place;
        while (words >> skipped && skipped != "-") {}
        words >> type >> source >> options;
        if (version_2 ? type != "cgroup2" : type != "cgroup" || !has_word(options, "cpu")) continue;
        found = mount;
        return true;
    }
    return false;
}

// The group of this process; lines of /proc/self/cgroup are number:controllers:path, number 0 for version 2.
bool find_group(const std::string &root, bool version_2, std::string &path) {
    std::ifstream file(root + "/proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {
        const size_t first = line.find(':'), second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        if (version_2 ? line.compare(0, 3, "0::") != 0 : !has_word(controllers, "cpu")) continue;
        path = line.substr(second + 1);
        return true;
    }
    return false;
}

// Processors' worth of time in each period.
double quota_of_folder(const std::string &folder, bool version_2) {
    double quota = 0, period = 0;
    if (version_2) {
        std::ifstream(folder + "/cpu.max") >> quota >> period; // "max 100000" without a limit
    } else {
        std::ifstream(folder + "/cpu.cfs_quota_us") >> quota; // -1 without a limit
        std::ifstream(folder + "/cpu.cfs_period_us") >> period;
    }
    return quota > 0 && period > 0 ? quota / period : no_limit;
}

double quota_of_version(const std::string &root, bool version_2) {
    Mount mount;
    std::string group;
    if (!find_mount(root, version_2, mount) || !find_group(root, version_2, group)) return no_limit;
    // A container sees its own group at the top of the mount, and may still be told the path outside.
    if (mount.top != "/" && group.compare(0, mount.top.size(), mount.top) == 0) group.erase(0, mount.top.size());
    double least = no_limit;
    for (;; group.erase(group.find_last_of('/'))) {
        least = std::min(least, quota_of_folder(root + mount.place + group, version_2));
        if (group.find('/') == std::string::npos) return least;
    }
}

} // namespace

double processor_quota(const std::string &root) { return std::min(quota_of_version(root, true), quota_of_version(root, false)); }

int usable_processors(const std::string &root) {
    return static_cast<int>(std::min(static_cast<double>(processors_of_affinity()), std::ceil(processor_quota(root))));
}

} // namespace cuattr
