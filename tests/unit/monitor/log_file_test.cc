// SPDX-License-Identifier: Apache-2.0
#include "monitor/log_file.hh"

#include <csignal>
#include <fstream>

#include <catch2/catch_test_macros.hpp>

#include <sys/resource.h>

#include "base/file.hh"
#include "base/text.hh"
#include "monitor/log_record.hh"

using namespace kist;
using namespace kist::monitor;

namespace {

std::string record(const std::string& text) {
    return R"({"log":")" + text + R"(\n","stream":"stdout","time":"2026-11-21T08:00:00Z"})" + "\n";
}

LogConfig config_in(const TempDir& dir, std::int64_t max_size, int max_files) {
    LogConfig config;
    config.path = dir.path() + "/log";
    config.max_size = max_size;
    config.max_files = max_files;
    return config;
}

std::string text_of(const std::string& path) { return read_file_if_exists(path, 1 << 24).value_or("(missing)"); }

} // namespace

TEST_CASE("a full file is renamed, the oldest one goes, and records stay whole and in order") {
    const TempDir dir;
    const std::int64_t two_records = static_cast<std::int64_t>(record("1").size()) * 2;
    LogFile file(config_in(dir, two_records, 3));
    std::string batch;
    for (int n = 1; n <= 9; ++n) batch += record(std::to_string(n));
    file.append(batch);
    CHECK(text_of(dir.path() + "/log") == record("9"));
    CHECK(text_of(dir.path() + "/log.1") == record("7") + record("8"));
    CHECK(text_of(dir.path() + "/log.2") == record("5") + record("6"));
    CHECK(text_of(dir.path() + "/log.3") == "(missing)");
}

TEST_CASE("one file is emptied when it is full; -1 never rotates; a record over the limit gets a file of its own") {
    const TempDir dir;
    LogFile one(config_in(dir, 200, 1));
    for (int n = 0; n < 10; ++n) one.append(record(std::to_string(n)));
    CHECK(text_of(dir.path() + "/log").size() <= 200);
    CHECK(text_of(dir.path() + "/log.1") == "(missing)");

    const TempDir other;
    LogFile unlimited(config_in(other, -1, 3));
    for (int n = 0; n < 1000; ++n) unlimited.append(record("x"));
    CHECK(text_of(other.path() + "/log").size() == record("x").size() * 1000);

    const TempDir third;
    LogFile small(config_in(third, 100, 3));
    small.append(record(std::string(500, 'a')) + record("b"));
    CHECK(text_of(third.path() + "/log") == record("b"));
    CHECK(text_of(third.path() + "/log.1") == record(std::string(500, 'a')));
}

TEST_CASE("a torn record of a killed monitor is cut off") {
    const TempDir dir;
    { std::ofstream(dir.path() + "/log") << record("whole") << R"({"log":"to)"; }
    LogFile file(config_in(dir, -1, 3));
    file.append(record("next"));
    CHECK(text_of(dir.path() + "/log") == record("whole") + record("next"));
}

TEST_CASE("what a full disk refuses is dropped and counted, and noted when there is room again") {
    const TempDir dir;
    LogFile file(config_in(dir, -1, 3));
    file.append(record("before"));
    const rlim_t size = record("before").size() + 20;
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const auto old = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{size, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    file.append(record("lost"));
    CHECK(file.dropped_bytes() == record("lost").size());
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, old);
    file.append(record("after"));
    CHECK(file.dropped_bytes() == 0);
    const auto lines = split(text_of(dir.path() + "/log"), '\n');
    REQUIRE(lines.size() == 4);
    LogRecord note;
    REQUIRE(decode_record(lines[1], note));
    CHECK(note.text.find("bytes of log were lost") != std::string::npos);
    CHECK(lines[2] + "\n" == record("after"));
}
