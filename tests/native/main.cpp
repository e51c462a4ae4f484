// native_tests GROUP ...           runs the tests of these groups ("all": every group); exit code 1 after a failure
// native_tests --wrong KERNEL      runs a kernel that is wrong on purpose; a sanitizer is expected to end the program
// native_tests --replay FILE ...   replays launches that the program's own tests made (build/replay-kernels.sh)
#include <cstring>
#include <set>

#include "check.h"
#include "replay/replay.h"
#include "wrong.h"

namespace {

int failures = 0;

} // namespace

std::vector<TestCase> &test_cases() {
    static std::vector<TestCase> cases;
    return cases;
}

void report_failure(const char *file, int line, const std::string &what) {
    std::printf("    %s:%d: %s\n", file, line, what.c_str());
    failures++;
}

int main(int argc, char **argv) {
    if (argc == 3 && !std::strcmp(argv[1], "--wrong")) return run_wrong_kernel(argv[2]);
    if (argc > 2 && !std::strcmp(argv[1], "--replay")) return replay_recordings({argv + 2, argv + argc});
    const std::set<std::string> groups(argv + 1, argv + argc);
    int passed = 0, failed = 0;
    for (const TestCase &test : test_cases()) {
        if (!groups.count(test.group) && !groups.count("all")) continue;
        std::printf("%s.%s\n", test.group, test.name);
        std::fflush(stdout);
        const int before = failures;
        test.run();
        ++(failures == before ? passed : failed);
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    if (!passed && !failed) std::printf("no test has one of the groups asked for\n");
    return failed || !passed;
}
