// The C interface: lookup, facts, argument checks, grids, thread counts, options.
#include <cstdint>
#include <set>
#include <thread>

#include "check.h"
#include "cuattr.h"
#include "host_library.h"
#include "processors.h"
#include "selftest_params.h"

TEST(device, reports_abi_version_and_name) {
    for (const auto &library : all_libraries()) {
        CHECK_EQUAL(library->abi_version(), CUATTR_ABI_VERSION);
        char name[200] = {};
        CHECK_EQUAL(library->device_name(name, sizeof name), CUATTR_SUCCESS);
        CHECK_CONTAINS(name, library->one_thread() ? "cpu" : "simt");
        CHECK_CONTAINS(name, "AVX");
        char cut[5] = {};
        CHECK_EQUAL(library->device_name(cut, sizeof cut), CUATTR_SUCCESS);
        CHECK_EQUAL(std::string(cut), std::string(name).substr(0, 4));
        CHECK_EQUAL(library->device_name(nullptr, 10), CUATTR_INVALID_VALUE);
    }
}

TEST(device, lists_every_kernel_once) {
    std::set<std::string> first;
    for (const auto &library : all_libraries()) {
        std::set<std::string> names;
        for (int i = 0; library->kernel_name(i); i++) CHECK(names.insert(library->kernel_name(i)).second);
        CHECK(library->kernel_name(-1) == nullptr);
        CHECK(names.count("selftest_exp_f32") == 1);
        std::erase_if(names, [](const std::string &name) { return name.rfind("wrong_", 0) == 0 || for_warps(name); });
        if (first.empty()) first = names;
        CHECK(names == first);
    }
}

TEST(device, finds_kernels_and_their_facts) {
    for (const auto &library : all_libraries()) {
        int block = 0, bytes = 0, shared = -1;
        CHECK_EQUAL(library->function_info(library->find("selftest_reduce_f32"), &block, &bytes, &shared), CUATTR_SUCCESS);
        CHECK_EQUAL(block, 1024);
        CHECK_EQUAL(shared, 0);
        CHECK_EQUAL(bytes, static_cast<int>(sizeof(SelftestReduceParams)));
        CHECK_EQUAL(library->function_info(nullptr, &block, &bytes, &shared), CUATTR_INVALID_VALUE);
    }
}

// 96 KB, of which every byte is written by one thread and read by another, beside a static array.
TEST(device, gives_a_kernel_the_dynamic_shared_memory_it_declares) {
    constexpr int count = 24 * 1024, blocks = 3;
    const std::vector<float> x = normal_numbers(blocks * count, 8);
    for (const auto &library : all_libraries()) {
        void *const function = library->find("selftest_shared_f32");
        int bound = 0, bytes = 0, shared = 0;
        library->function_info(function, &bound, &bytes, &shared);
        CHECK_EQUAL(shared, count * 4);
        std::vector<float> y(x.size());
        const SelftestTransposeParams params{x.data(), y.data()};
        library->run("selftest_shared_f32", {blocks}, 256, params);
        for (int i = 0; i < blocks * count; i++)
            if (y[i] != x[i / count * count + count - 1 - i % count] + x[i / count * count]) {
                report_failure(__FILE__, __LINE__, library->name() + ": element " + std::to_string(i));
                break;
            }
        for (unsigned wrong : {0u, static_cast<unsigned>(shared) - 16, static_cast<unsigned>(shared) + 16}) {
            CHECK_EQUAL(library->launch_kernel(function, 1, 1, 1, 256, wrong, &params), CUATTR_INVALID_VALUE);
            CHECK_CONTAINS(library->last_error(), "selftest_shared_f32: " + std::to_string(wrong) + " bytes of dynamic shared memory");
        }
    }
}

TEST(device, names_what_it_does_not_find) {
    for (const auto &library : all_libraries()) {
        void *function = &function;
        CHECK_EQUAL(library->get_function(&function, "no_such_kernel"), CUATTR_NOT_FOUND);
        CHECK(function == nullptr);
        CHECK_CONTAINS(library->last_error(), "no_such_kernel");
        CHECK_EQUAL(library->get_function(nullptr, "selftest_exp_f32"), CUATTR_INVALID_VALUE);
        CHECK_EQUAL(library->get_function(&function, nullptr), CUATTR_INVALID_VALUE);
    }
}

TEST(device, refuses_bad_launches_with_the_kernel_name) {
    uint32_t y = 77;
    const SelftestIndexParams params{&y};
    for (const auto &library : all_libraries()) {
        void *f = library->find("selftest_index_u32");
        struct {
            unsigned gx, gy, gz, bx, shared;
            const char *reason;
        } bad[] = {
            {0, 1, 1, 32, 0, "grid"},        {1, 0, 1, 32, 0, "grid"},          {1, 1, 0, 32, 0, "grid"},
            {1, 65536, 1, 32, 0, "grid"},    {1, 1, 65536, 32, 0, "grid"},      {1u << 31, 1, 1, 32, 0, "grid"},
            {1, 1, 1, 0, 0, "launch bound"}, {1, 1, 1, 129, 0, "launch bound"}, {1, 1, 1, 32, 16, "shared"},
        };
        for (const auto &b : bad) {
            CHECK_EQUAL(library->launch_kernel(f, b.gx, b.gy, b.gz, b.bx, b.shared, &params), CUATTR_INVALID_VALUE);
            CHECK_CONTAINS(library->last_error(), "selftest_index_u32");
            CHECK_CONTAINS(library->last_error(), b.reason);
        }
        CHECK_EQUAL(library->launch_kernel(f, 1, 1, 1, 32, 0, nullptr), CUATTR_INVALID_VALUE);
        CHECK_EQUAL(library->launch_kernel(nullptr, 1, 1, 1, 32, 0, &params), CUATTR_INVALID_VALUE);
    }
    CHECK_EQUAL(y, 77u);
}

TEST(device, refuses_part_of_a_block_to_a_kernel_that_needs_it_whole) {
    for (const auto &library : all_libraries()) {
        uint32_t y = 0;
        const int status = library->launch("selftest_whole_u32", {1}, 64, SelftestIndexParams{&y});
        CHECK_EQUAL(status, library->one_thread() ? CUATTR_SUCCESS : CUATTR_INVALID_VALUE);
        if (status) CHECK_CONTAINS(library->last_error(), "selftest_whole_u32: it needs whole blocks of 128 threads, not 64");
        library->run("selftest_whole_u32", {1}, 128, SelftestIndexParams{&y});
        CHECK_EQUAL(y, library->one_thread() ? 1u : 128u);
    }
}

TEST(device, keeps_the_error_of_each_thread_apart) {
    const HostLibrary &library = simt_library();
    library.find("missing_here");
    std::string other;
    std::thread([&] {
        library.find("missing_there");
        other = library.last_error();
    }).join();
    CHECK_CONTAINS(other, "missing_there");
    CHECK_CONTAINS(library.last_error(), "missing_here");
}

TEST(device, runs_every_block_and_thread_of_a_grid) {
    const Grid grid{3, 4, 5};
    for (const auto &library : all_libraries())
        for (int threads : {1, 3})
            for (unsigned block : block_sizes(*library, 128)) {
                CHECK_EQUAL(library->set_threads(threads), CUATTR_SUCCESS);
                CHECK_EQUAL(library->threads(), threads);
                std::vector<uint32_t> y(grid.x * grid.y * grid.z * block);
                library->run("selftest_index_u32", grid, block, SelftestIndexParams{y.data()});
                for (uint32_t i = 0; i < y.size(); i++)
                    if (y[i] != i / block * 1000u + i % block * 7u + grid.z) {
                        report_failure(__FILE__, __LINE__, library->name() + ": element " + std::to_string(i));
                        break;
                    }
                library->set_threads(0);
            }
}

TEST(device, sets_thread_counts_and_options) {
    for (const auto &library : all_libraries()) {
        CHECK_EQUAL(library->set_threads(-1), CUATTR_INVALID_VALUE);
        CHECK_EQUAL(library->set_threads(4097), CUATTR_INVALID_VALUE);
        CHECK_EQUAL(library->set_threads(0), CUATTR_SUCCESS);
        CHECK_EQUAL(library->threads(), cuattr::usable_processors());
        CHECK_EQUAL(library->option("no_such_option", 1), CUATTR_INVALID_VALUE);
        CHECK_CONTAINS(library->last_error(), "no_such_option");
        CHECK_EQUAL(library->option(nullptr, 1), CUATTR_INVALID_VALUE);
        CHECK_EQUAL(library->option("random_order", 0), library->one_thread() ? CUATTR_INVALID_VALUE : CUATTR_SUCCESS);
    }
}

TEST(device, may_be_used_from_several_threads) {
    const std::vector<float> x = normal_numbers(4 * 1024, 5);
    for (const auto &library : all_libraries()) {
        library->set_threads(3);
        std::vector<std::vector<float>> y(4, std::vector<float>(x.size()));
        std::vector<std::thread> users;
        const unsigned block = block_sizes(*library, 256).back();
        for (auto &out : y)
            users.emplace_back([&] {
                for (int k = 0; k < 10; k++) library->launch("selftest_transpose_f32", {4}, block, SelftestTransposeParams{x.data(), out.data()});
            });
        for (auto &user : users) user.join();
        library->set_threads(0);
        for (const auto &out : y)
            for (int i = 0; i < 4 * 1024; i++)
                if (out[i] != x[i / 1024 * 1024 + i % 32 * 32 + i % 1024 / 32]) {
                    report_failure(__FILE__, __LINE__, library->name() + ": element " + std::to_string(i));
                    break;
                }
    }
}
