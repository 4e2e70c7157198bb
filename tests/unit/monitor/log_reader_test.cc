// SPDX-License-Identifier: Apache-2.0
#include "monitor/log_reader.hh"

#include <fstream>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "base/file.hh"
#include "monitor/log_file.hh"
#include "monitor/log_writer.hh"

using namespace kist;
using namespace kist::monitor;

namespace {

std::string record(int n) {
    return fmt::format(R"({{"log":"{}\n","stream":"stdout","time":"2020-11-21T08:00:{:02}Z"}})", n, n) + "\n";
}

/// Lines 1 to 9 over three files.
void make_log(const std::string& path) {
    for (int file = 0; file < 3; ++file) {
        std::ofstream out(file == 0 ? path : fmt::format("{}.{}", path, file));
        for (int n = 1; n <= 3; ++n) out << record((2 - file) * 3 + n);
    }
}

std::string read_all_of(const std::string& path, LogQuery query) {
    std::string text;
    LogReader reader(path, query);
    reader.read([&](const LogRecord& r) {
        text += r.text.substr(0, r.text.size() - (r.ends_line() ? 1 : 0)) + " ";
        return true;
    });
    return text;
}

LogQuery tail(std::uint64_t n) {
    LogQuery query;
    query.tail = n;
    return query;
}

Moment second(int n) { return *parse_rfc3339(fmt::format("2020-11-21T08:00:{:02}Z", n)); }

} // namespace

TEST_CASE("all rotated files are read, oldest first") {
    const TempDir dir;
    make_log(dir.path() + "/log");
    CHECK(read_all_of(dir.path() + "/log", {}) == "1 2 3 4 5 6 7 8 9 ");
    CHECK(read_all_of(dir.path() + "/none", {}).empty());
}

TEST_CASE("the last lines, also across files") {
    const TempDir dir;
    make_log(dir.path() + "/log");
    CHECK(read_all_of(dir.path() + "/log", tail(0)).empty());
    CHECK(read_all_of(dir.path() + "/log", tail(2)) == "8 9 ");
    CHECK(read_all_of(dir.path() + "/log", tail(3)) == "7 8 9 ");
    CHECK(read_all_of(dir.path() + "/log", tail(4)) == "6 7 8 9 ");
    CHECK(read_all_of(dir.path() + "/log", tail(100)) == "1 2 3 4 5 6 7 8 9 ");
}

TEST_CASE("since and until select by time, and tail counts what they leave") {
    const TempDir dir;
    make_log(dir.path() + "/log");
    LogQuery query;
    query.since = second(4);
    query.until = second(8);
    CHECK(read_all_of(dir.path() + "/log", query) == "4 5 6 7 8 ");
    query.tail = 2;
    CHECK(read_all_of(dir.path() + "/log", query) == "7 8 ");
    query.tail = 50;
    CHECK(read_all_of(dir.path() + "/log", query) == "4 5 6 7 8 ");
}

TEST_CASE("a long line in several records is one line for tail") {
    const TempDir dir;
    LogConfig config;
    config.path = dir.path() + "/log";
    LogWriter writer(config);
    writer.write(Stream::out, "first\n" + std::string(40'000, 'x') + "\nlast");
    writer.finish();
    std::string text;
    LogReader reader(config.path, tail(2));
    reader.read([&](const LogRecord& r) {
        text += r.text;
        return true;
    });
    CHECK(text == std::string(40'000, 'x') + "\nlast");
}

TEST_CASE("damaged records are counted and skipped, an unfinished one is left for later") {
    const TempDir dir;
    { std::ofstream(dir.path() + "/log") << record(1) << "garbage\n" << record(2) << R"({"log":"unfin)"; }
    LogReader reader(dir.path() + "/log", {});
    std::string text;
    reader.read([&](const LogRecord& r) {
        text += r.text;
        return true;
    });
    CHECK(text == "1\n2\n");
    CHECK(reader.damaged() == 1);
    CHECK(read_all_of(dir.path() + "/log", tail(1)) == "2 ");
}

TEST_CASE("the sink can end the reading") {
    const TempDir dir;
    make_log(dir.path() + "/log");
    int seen = 0;
    LogReader reader(dir.path() + "/log", {});
    CHECK_FALSE(reader.read([&](const LogRecord&) { return ++seen < 4; }));
    CHECK(seen == 4);
}

TEST_CASE("following loses and repeats nothing while the log is rotated under it") {
    const TempDir dir;
    LogConfig config;
    config.path = dir.path() + "/log";
    config.max_size = 20'000;
    config.max_files = 20;
    LogWriter writer(config);
    constexpr int lines = 20'000;
    Pipe ended = make_pipe();
    std::thread producer([&] {
        for (int n = 0; n < lines; ++n) {
            writer.write(Stream::out, std::to_string(n) + "\n");
            if (n % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        ended.write.reset();
    });
    int next = 0;
    bool in_order = true;
    LogReader reader(config.path, {});
    const auto sink = [&](const LogRecord& r) {
        in_order = in_order && r.text == std::to_string(next) + "\n";
        ++next;
        return true;
    };
    CHECK(reader.read(sink));
    CHECK(reader.follow(sink, ended.read.get()));
    producer.join();
    CHECK(in_order);
    CHECK(next == lines);
}

TEST_CASE("following ends at the moment asked for") {
    const TempDir dir;
    make_log(dir.path() + "/log");
    LogQuery query;
    query.until = Moment{Moment::now().ns + 50'000'000};
    LogReader reader(dir.path() + "/log", query);
    const auto sink = [](const LogRecord&) { return true; };
    CHECK(reader.read(sink));
    CHECK_FALSE(reader.follow(sink, -1));
}
