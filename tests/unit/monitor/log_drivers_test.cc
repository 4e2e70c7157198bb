// SPDX-License-Identifier: Apache-2.0
// Log drivers beside plain json-file: the forms that they write, and what is read back.
#include <cstring>

#include <catch2/catch_test_macros.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/text.hh"
#include "monitor/log_reader.hh"
#include "monitor/log_socket.hh"
#include "monitor/log_writer.hh"

using namespace kist;
using namespace kist::monitor;

namespace {

LogConfig config_of(const std::string& driver, const std::string& path) {
    LogConfig config;
    config.driver = driver;
    config.path = path;
    return config;
}

std::vector<LogRecord> read_back(const std::string& path, const LogQuery& query = {}) {
    std::vector<LogRecord> records;
    LogReader(path, query).read([&](const LogRecord& record) {
        records.push_back(record);
        return true;
    });
    return records;
}

/// A datagram socket as a log service has it.
class Service {
public:
    explicit Service(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        ::unlink(path.c_str());
        REQUIRE(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }
    std::string receive() const {
        char buffer[65536];
        const ssize_t n = ::recv(fd_.get(), buffer, sizeof buffer, 0);
        return n < 0 ? "" : std::string(buffer, static_cast<std::size_t>(n));
    }

private:
    Fd fd_;
};

} // namespace

TEST_CASE("k8s-file keeps every byte, marks partial lines, and is read back as it was written") {
    const TempDir temp;
    const std::string path = temp.path() + "/ctr.log";
    const std::string odd = std::string("a\0b\x80\"\\{", 7) + "\n";
    const std::string large(max_log_text + 100, 'x');
    {
        LogWriter writer(config_of("k8s-file", path));
        writer.write(Stream::out, "hello\n" + odd + "\n");
        writer.write(Stream::err, large + "\nrest");
        writer.finish();
    }
    const auto lines = split(read_file(path, 1 << 20), '\n');
    CHECK(lines[0].ends_with(" stdout F hello"));
    CHECK(lines[0].substr(0, 3) == "202");
    CHECK(lines[2].ends_with(" stdout F "));
    const auto records = read_back(path);
    REQUIRE(records.size() == 6);
    CHECK(records[0].text == "hello\n");
    CHECK(records[1].text == odd);
    CHECK(records[2].text == "\n");
    CHECK(records[3].stream == Stream::err);
    CHECK_FALSE(records[3].ends_line());
    CHECK(records[3].text + records[4].text == large + "\n");
    CHECK(records[5].text == "rest");
}

TEST_CASE("attributes stand in every json-file record and are read as details") {
    const TempDir temp;
    LogConfig config = config_of("json-file", temp.path() + "/log");
    config.attributes = R"("tier":"we\"b","zone":"b")";
    {
        LogWriter writer(config);
        writer.write(Stream::out, "one\ntwo\n");
        writer.finish();
    }
    CHECK(read_file(config.path, 1 << 20)
              .starts_with(R"({"log":"one\n","stream":"stdout","attrs":{"tier":"we\"b","zone":"b"},"time":")"));
    const auto records = read_back(config.path);
    REQUIRE(records.size() == 2);
    CHECK(records[1].text == "two\n");
    CHECK(records[1].details == "tier=we\"b,zone=b");
}

TEST_CASE("lines that are no record of k8s-file are damaged") {
    LogRecord record;
    for (const char* line :
         {"", " ", "x", "time stdout F", "time stdout Fx", "time other F text", "time stdout X text", " stdout F text"})
        CHECK_FALSE(decode_record(line, record));
    CHECK(decode_record("time stdout F ", record));
    CHECK(record.text == "\n");
}

TEST_CASE("--since in a large log finds the first record without reading from the start, whatever the form") {
    for (const std::string form : {"json", "k8s"}) {
        const TempDir temp;
        const std::string path = temp.path() + "/log";
        constexpr int count = 8000;
        const auto time_of = [](int n) {
            return to_rfc3339(Moment{1'700'000'000'000'000'000 + std::int64_t{n} * 1'000'000'000});
        };
        const auto write_part = [&](const std::string& name, int from, int to) {
            std::string text;
            for (int n = from; n < to; ++n)
                text += form == "json"
                            ? fmt::format("{{\"log\":\"line {}\\n\",\"stream\":\"stdout\",\"time\":\"{}\"}}\n", n,
                                          time_of(n))
                            : fmt::format("{} stdout F line {}\n", time_of(n), n);
            write_atomically(Dir::open(temp.path()), name, text, Durability::volatile_);
        };
        write_part("log.1", 0, count / 2);
        write_part("log", count / 2, count);
        for (const int first : {0, 1, 777, count / 2 - 1, count / 2, count / 2 + 1, count - 2, count - 1, count}) {
            LogQuery query;
            query.since = parse_rfc3339(time_of(first));
            const auto records = read_back(path, query);
            CAPTURE(form, first);
            REQUIRE(records.size() == static_cast<std::size_t>(count - first));
            if (!records.empty()) CHECK(records.front().text == fmt::format("line {}\n", first));
        }
    }
}

TEST_CASE("journald gets one datagram a record, with the names that docker and podman use") {
    LogRecord record;
    record.text = "hello\n";
    CHECK(journal_datagram(record, "A=b\n") == "PRIORITY=6\nA=b\nMESSAGE=hello\n");
    record.text = "part";
    record.stream = Stream::err;
    CHECK(journal_datagram(record, "") == "PRIORITY=3\nCONTAINER_PARTIAL_MESSAGE=true\nMESSAGE=part\n");
    CHECK(journal_field("com.example/my-key") == "COM_EXAMPLE_MY_KEY");
    CHECK(journal_field("_1a") == "A");
    CHECK(journal_field("---").empty());
}

TEST_CASE("syslog lines have facility, severity, time and tag; a service that is started anew gets the next line") {
    const TempDir temp;
    LogConfig config = config_of("syslog", temp.path() + "/dev-log");
    config.tag = "web";
    CHECK_THROWS_AS(LogSocket(config), SysError);
    auto service = std::make_unique<Service>(config.path);
    LogWriter writer(config);
    writer.write(Stream::out, "one\ntwo\n");
    CHECK(service->receive().starts_with("<30>"));
    CHECK(service->receive().ends_with(" web: two"));
    service.reset();
    writer.write(Stream::out, "lost\n");
    service = std::make_unique<Service>(config.path);
    writer.write(Stream::err, "three\n");
    const std::string last = service->receive();
    CHECK(last.starts_with("<27>"));
    CHECK(last.ends_with(" web: three"));
    CHECK(service->receive().empty());
}
