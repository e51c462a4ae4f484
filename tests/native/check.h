// A test framework in one page: TEST(group, name) { CHECK(...); }, run as `native_tests group ...`.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

struct TestCase {
    const char *group;
    const char *name;
    void (*run)();
};

std::vector<TestCase> &test_cases();
void report_failure(const char *file, int line, const std::string &what);

struct TestRegistration {
    TestRegistration(const char *group, const char *name, void (*run)()) { test_cases().push_back({group, name, run}); }
};

#define TEST(group, name)                                                                                                                            \
    static void test_##group##_##name();                                                                                                             \
    static const TestRegistration registration_##group##_##name{#group, #name, &test_##group##_##name};                                              \
    static void test_##group##_##name()

// Each check goes on after a failure; the test then counts as failed.
#define CHECK(condition)                                                                                                                             \
    do {                                                                                                                                             \
        if (!(condition)) report_failure(__FILE__, __LINE__, #condition);                                                                            \
    } while (0)
#define CHECK_EQUAL(actual, expected)                                                                                                                \
    do {                                                                                                                                             \
        const auto actual_ = (actual);                                                                                                               \
        const decltype(actual_) expected_ = (expected);                                                                                              \
        if (!(actual_ == expected_)) report_failure(__FILE__, __LINE__, #actual ": " + text_of(actual_) + ", expected " + text_of(expected_));       \
    } while (0)
#define CHECK_CONTAINS(text, part)                                                                                                                   \
    do {                                                                                                                                             \
        const std::string text_ = (text);                                                                                                            \
        if (text_.find(part) == std::string::npos) report_failure(__FILE__, __LINE__, "'" + text_ + "' does not say '" + (part) + "'");              \
    } while (0)

inline std::string text_of(const std::string &s) { return "'" + s + "'"; }
template <class T> std::string text_of(T value) { return std::to_string(value); }
