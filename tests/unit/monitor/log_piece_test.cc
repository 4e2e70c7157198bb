// SPDX-License-Identifier: Apache-2.0
// Rotated, compressed and aged log files, and reading across them.
#include "monitor/log_piece.hh"

#include <fstream>

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "monitor/log_file.hh"
#include "monitor/log_reader.hh"
#include "monitor/log_stamp.hh"
#include "monitor/log_writer.hh"

using namespace kist;
using namespace kist::monitor;

namespace {

Fd open_plain(const std::string& path) {
    Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    REQUIRE(fd);
    return fd;
}

void write_file(const std::string& path, const std::string& bytes) { std::ofstream(path) << bytes; }

/// "Compressed" by the test: our head, and then the bytes as they are.
void pack(const std::string& path, std::size_t number) {
    const std::string plain = piece_path(path, number);
    write_file(packed_path(path, number), packed_head(identify(open_plain(plain))) + read_file(plain, 1 << 20));
    REQUIRE(::unlink(plain.c_str()) == 0);
}

Fd expand(const Fd& packed) {
    const std::size_t head = packed_head({}).size();
    struct stat status {};
    REQUIRE(::fstat(packed.get(), &status) == 0);
    std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
    REQUIRE(::pread(packed.get(), bytes.data(), bytes.size(), 0) == status.st_size);
    Fd plain{::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
    write_full(plain, bytes.substr(head), "the test's file");
    return plain;
}

LogConfig local_log(const TempDir& dir, std::int64_t max_size, int max_files) {
    LogConfig config;
    config.driver = "local";
    config.path = dir.path() + "/log";
    config.max_size = max_size;
    config.max_files = max_files;
    return config;
}

std::string text_of(LogReader& reader) {
    std::string text;
    reader.read([&](const LogRecord& record) {
        text += record.text;
        return true;
    });
    return text;
}

} // namespace

TEST_CASE("a stamp keeps its moment to the nanosecond, and sorts as it does") {
    const Moment moments[] = {{0}, {1}, {63}, {64}, {1'795'000'000'123'456'789}, {INT64_MAX}};
    std::string before;
    for (const Moment moment : moments) {
        const std::string stamp = pack_stamp(moment);
        CHECK(stamp.size() == stamp_size);
        CHECK(unpack_stamp(stamp) == moment);
        CHECK(before < stamp);
        before = stamp;
    }
    CHECK_FALSE(unpack_stamp("zzzzzzzzzzz"));
    CHECK_FALSE(unpack_stamp("0000 000000"));
    CHECK_FALSE(unpack_stamp("0000000000"));
}

TEST_CASE("local keeps every byte in 13 more a line, and marks partial lines") {
    const TempDir dir;
    const LogConfig config = local_log(dir, -1, 1);
    const std::string odd = std::string("a\0b\x80\"\\{", 7) + "\n";
    {
        LogWriter writer(config);
        writer.write(Stream::out, "hello\n" + odd);
        writer.write(Stream::err, "O\nrest");
        writer.finish();
    }
    const std::string bytes = read_file(config.path, 1 << 20);
    CHECK(bytes.size() == 6 + 12 + odd.size() + 12 + 2 + 12 + 4 + 1 + 12);
    std::vector<LogRecord> records;
    LogReader(config.path, {}).read([&](const LogRecord& record) { return records.push_back(record), true; });
    REQUIRE(records.size() == 4);
    CHECK(records[0].text == "hello\n");
    CHECK(records[0].time.substr(0, 2) == "20");
    CHECK(records[1].text == odd);
    CHECK(records[2].text == "O\n");
    CHECK(records[2].stream == Stream::err);
    CHECK(records[3].text == "rest");
}

TEST_CASE("compressed files are read in their place, and rotated like the others") {
    const TempDir dir;
    const LogConfig config = local_log(dir, 100, 4);
    LogWriter writer(config);
    std::string all;
    const auto write_lines = [&](int first, int last) {
        for (int n = first; n <= last; ++n) {
            writer.write(Stream::out, fmt::format("line {:02}\n", n));
            all += fmt::format("line {:02}\n", n);
        }
    };
    write_lines(1, 12); // five to a file
    pack(config.path, 1);
    pack(config.path, 2);
    LogReader reader(config.path, {}, expand);
    CHECK(text_of(reader) == all);
    CHECK(reader.damaged() == 0);
    LogReader tail(config.path, {.tail = 4, .since = {}, .until = {}}, expand);
    CHECK(text_of(tail) == all.substr(all.size() - 32));

    write_lines(13, 17);
    CHECK(::access(packed_path(config.path, 3).c_str(), F_OK) == 0);
    CHECK(::access(packed_path(config.path, 1).c_str(), F_OK) != 0);
    LogReader again(config.path, {}, expand);
    CHECK(text_of(again) == all);
    write_lines(18, 22); // the oldest goes, compressed or not
    LogReader later(config.path, {}, expand);
    CHECK(text_of(later) == all.substr(40));

    // Who cannot expand them reads the others and says so.
    LogReader blind(config.path, {});
    CHECK(text_of(blind) == all.substr(80));
    CHECK(blind.damaged() > 0);
}

TEST_CASE("a file that is compressed under its reader is neither read again nor left out") {
    const TempDir dir;
    const LogConfig config = local_log(dir, 100, 4);
    LogWriter writer(config);
    LogReader reader(config.path, {}, expand);
    Pipe ended = make_pipe();
    ended.write.reset();
    std::string text;
    const auto sink = [&](const LogRecord& record) { return text += record.text, true; };
    std::string all;
    for (int n = 1; n <= 8; ++n) {
        const std::string line = fmt::format("line {:02}\n", n);
        writer.write(Stream::out, line);
        all += line;
        if (n == 3) CHECK(reader.read(sink));
    }
    pack(config.path, 1); // of which three lines were read
    CHECK(reader.follow(sink, ended.read.get()));
    CHECK(text == all);
}

TEST_CASE("both of them after a crash: the plain one is read, once") {
    const TempDir dir;
    const LogConfig config = local_log(dir, 100, 3);
    LogWriter writer(config);
    for (int n = 1; n <= 7; ++n) writer.write(Stream::out, fmt::format("line {:02}\n", n));
    const std::string plain = read_file(piece_path(config.path, 1), 1 << 20);
    write_file(packed_path(config.path, 1), packed_head(identify(open_plain(piece_path(config.path, 1)))) + plain);
    LogReader reader(config.path, {}, expand);
    CHECK(text_of(reader).size() == 7 * 8);
    for (int n = 8; n <= 12; ++n) writer.write(Stream::out, fmt::format("line {:02}\n", n));
    CHECK(::access(piece_path(config.path, 2).c_str(), F_OK) != 0);
    LogReader later(config.path, {}, expand);
    CHECK(text_of(later).size() == 12 * 8);
}

TEST_CASE("files older than max-age go, and the newest one is rotated in its part of it") {
    const TempDir dir;
    LogConfig config = local_log(dir, 100, 3);
    constexpr std::int64_t hour = 3600ll * 1'000'000'000;
    config.max_age = 2 * hour;
    LogFile file(config);
    const std::string record = "O" + pack_stamp(Moment::now()) + "a line\n";
    for (int n = 0; n < 12; ++n) file.append(record);
    const Moment now = Moment::now();
    file.expire(now);
    CHECK(::access(piece_path(config.path, 2).c_str(), F_OK) == 0);
    file.expire({now.ns + hour + 1}); // each of two rotated files covers one
    CHECK(read_file(config.path, 1000).empty());
    CHECK(::access(piece_path(config.path, 1).c_str(), F_OK) == 0);
    file.expire({now.ns + 2 * hour + 1'000'000'000});
    CHECK(::access(piece_path(config.path, 1).c_str(), F_OK) != 0);
    CHECK(::access(piece_path(config.path, 2).c_str(), F_OK) != 0);
}
