// SPDX-License-Identifier: Apache-2.0
// Encoding, and decoding as its inverse.
#include "monitor/log_encode.hh"

#include <random>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "base/text.hh"
#include "monitor/log_record.hh"
#include "monitor/utf8.hh"

using namespace kist;
using namespace kist::monitor;

namespace {

std::string escaped(std::string_view text) {
    std::string to(text.size() * 6, '\0');
    to.resize(static_cast<std::size_t>(escape_json(to.data(), text) - to.data()));
    return to;
}

struct Encoded {
    std::string records;
    RecordBuffer buffer{[this](std::string_view r) { records += r; }};
    LogEncoder encoder{Stream::out};
    void feed(std::string_view bytes) { encoder.feed(bytes, "2026-11-21T08:00:00Z", buffer); }
    std::vector<LogRecord> finish() {
        encoder.finish("2026-11-21T08:00:00Z", buffer);
        buffer.flush();
        std::vector<LogRecord> all;
        for (const std::string& line : split(records, '\n')) {
            if (line.empty()) continue;
            REQUIRE(decode_record(line, all.emplace_back()));
        }
        return all;
    }
};

std::string joined(const std::vector<LogRecord>& records) {
    std::string text;
    for (const LogRecord& record : records) text += record.text;
    return text;
}

/// What every byte that is no UTF-8 becomes.
std::string repaired(std::string_view text) {
    std::string to;
    while (!text.empty()) {
        const std::size_t length = utf8_sequence(text);
        to += length == 0 ? "\xef\xbf\xbd" : text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return to;
}

} // namespace

TEST_CASE("a line becomes one record of Docker's form") {
    Encoded e;
    e.feed("hello\n");
    e.buffer.flush();
    CHECK(e.records == R"({"log":"hello\n","stream":"stdout","time":"2026-11-21T08:00:00Z"})"
                       "\n");
}

TEST_CASE("what JSON needs is escaped, at every position of a word") {
    CHECK(escaped("a\"b\\c\n\r\t\x01\x1f\x7f") == "a\\\"b\\\\c\\n\\r\\t\\u0001\\u001f\x7f");
    for (std::size_t n = 0; n < 20; ++n)
        CHECK(escaped(std::string(n, 'x') + "\"yyyyyyyyyy") == std::string(n, 'x') + "\\\"yyyyyyyyyy");
    CHECK(escaped("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80") == "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK(escaped("\xe2\x80\xa8\xe2\x80\xa9") == "\\u2028\\u2029");
    CHECK(escaped("\xff") == "\\ufffd");
    CHECK(escaped("\xc0\x80") == "\\ufffd\\ufffd");            // overlong
    CHECK(escaped("\xed\xa0\x80") == "\\ufffd\\ufffd\\ufffd"); // surrogate
    CHECK(escaped("\xf4\x90\x80\x80").size() == 24);           // beyond U+10FFFF
    CHECK(escaped(std::string(1, '\0')) == "\\u0000");
}

TEST_CASE("a line in pieces is one record; what has no newline comes at the end") {
    Encoded e;
    for (const char* piece : {"on", "e\ntw", "o\n", "three"}) e.feed(piece);
    const auto records = e.finish();
    REQUIRE(records.size() == 3);
    CHECK(records[0].text == "one\n");
    CHECK(records[1].text == "two\n");
    CHECK(records[2].text == "three");
}

TEST_CASE("a long line is divided without a newline and without cutting a character") {
    std::string line;
    while (line.size() < 50'000) line += "a\xe2\x82\xac";
    line += '\n';
    for (const std::size_t piece : {line.size(), std::size_t{1000}, std::size_t{7}}) {
        Encoded e;
        for (std::size_t at = 0; at < line.size(); at += piece) e.feed(std::string_view(line).substr(at, piece));
        const auto records = e.finish();
        CHECK(records.size() == 4);
        for (const LogRecord& record : records) CHECK(record.text.size() <= max_log_text);
        CHECK(joined(records) == line);
    }
}

TEST_CASE("any bytes in any pieces come back, but for those that are no UTF-8") {
    std::mt19937 random(4711);
    for (int round = 0; round < 40; ++round) {
        std::string bytes;
        const int kind = round % 4;
        const std::size_t length = random() % 40'000;
        while (bytes.size() < length) {
            const auto value = random();
            if (kind == 0) bytes += static_cast<char>(value);
            if (kind == 1) bytes += static_cast<char>(value % 96 + 32);
            if (kind == 2) bytes += value % 3 == 0 ? "\n" : "\xc3\xa9\"\\";
            if (kind == 3) append_utf8(bytes, static_cast<char32_t>(value % 0xd800));
        }
        Encoded e;
        for (std::size_t at = 0; at < bytes.size();) {
            const std::size_t piece = random() % 20'000 + 1;
            e.feed(std::string_view(bytes).substr(at, piece));
            at += piece;
        }
        const std::string back = joined(e.finish());
        // A character that is not whole in the input's last 16 KiB piece is repaired piece by piece: only random bytes differ.
        CHECK(back == repaired(bytes));
    }
}

TEST_CASE("records of other writers and damaged ones") {
    LogRecord record;
    REQUIRE(
        decode_record(R"({"stream":"stderr","attrs":{"a":"b"},"log":"x\u00e9\ud83d\ude00\/\b\f","time":"t"})", record));
    CHECK(record.stream == Stream::err);
    CHECK(record.text == "x\xc3\xa9\xf0\x9f\x98\x80/\b\f");
    REQUIRE(decode_record(R"({"log":"\u003chtml\u003e\n","stream":"stdout","time":"t"})", record));
    CHECK(record.text == "<html>\n");
    for (const char* bad :
         {"", "{", "null", R"({"log":"x)", R"({"log":"x","stream":"stdout"})",
          R"({"log":"x","stream":"other","time":"t"})", R"({"log":"\q","stream":"stdout","time":"t"})",
          R"({"log":"\u12","stream":"stdout","time":"t"})", R"({"log":1,"stream":"stdout","time":"t"})",
          R"({"log":"x","stream":"stdout","time":"t"}})"})
        CHECK_FALSE(decode_record(bad, record));
}
