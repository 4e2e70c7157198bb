// SPDX-License-Identifier: Apache-2.0
#include "monitor/log_encode.hh"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include <fmt/format.h>

#include "base/error.hh"
#include "monitor/log_stamp.hh"
#include "monitor/utf8.hh"

namespace kist::monitor {

namespace {

constexpr std::size_t buffer_size = 256 * 1024;
/// A partial line that grew beyond this does not keep its memory.
constexpr std::size_t small_partial = 4096;
constexpr std::uint64_t ones = 0x0101010101010101;
constexpr std::uint64_t highs = 0x8080808080808080;

/// A bit is set when some byte of `word` is a control character, a quote, a backslash or not ASCII.
constexpr std::uint64_t special_bytes(std::uint64_t word) {
    const std::uint64_t quote = word ^ (ones * '"');
    const std::uint64_t backslash = word ^ (ones * '\\');
    const std::uint64_t control = (word - ones * 0x20) & ~word;
    return (control | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | word) & highs;
}

/// The index in memory of the first byte that has a bit in `special`. The lowest one is always exact; those above it may
/// be set by a borrow, which is why the highest end is never asked.
std::size_t first_byte(std::uint64_t special) {
    static_assert(std::endian::native == std::endian::little, "the order of bytes in a word is taken for granted here");
    return static_cast<std::size_t>(std::countr_zero(special)) / 8;
}

char* put(char* to, std::string_view text) {
    std::memcpy(to, text.data(), text.size());
    return to + text.size();
}

char* escape_control(char* to, unsigned char c) {
    constexpr char hex[] = "0123456789abcdef";
    switch (c) {
    case '\n': return put(to, "\\n");
    case '\r': return put(to, "\\r");
    case '\t': return put(to, "\\t");
    case '"': return put(to, "\\\"");
    case '\\': return put(to, "\\\\");
    default: break;
    }
    to = put(to, "\\u00");
    *to++ = hex[c >> 4];
    *to++ = hex[c & 15];
    return to;
}

/// Escapes the character at the start of `text`; `used` is its length.
char* escape_one(char* to, std::string_view text, std::size_t& used) {
    const auto c = static_cast<unsigned char>(text.front());
    used = 1;
    if (c < 0x20 || c == '"' || c == '\\') return escape_control(to, c);
    if (c < 0x80) {
        *to = static_cast<char>(c);
        return to + 1;
    }
    const std::size_t length = utf8_sequence(text);
    if (length == 0) return put(to, "\\ufffd");
    used = length;
    // JavaScript's line separators: valid in JSON, but not for every reader of it.
    if (text.starts_with("\xe2\x80\xa8")) return put(to, "\\u2028");
    if (text.starts_with("\xe2\x80\xa9")) return put(to, "\\u2029");
    return put(to, text.substr(0, length));
}

} // namespace

LogFormat log_format(std::string_view driver) {
    if (driver == "json-file") return LogFormat::json;
    if (driver == "local") return LogFormat::local;
    if (driver == "k8s-file" || driver == "journald" || driver == "syslog") return LogFormat::k8s;
    throw Error("log driver '{}' is not known", driver);
}

std::string log_stamp(LogFormat format, Moment moment) {
    return format == LogFormat::local ? pack_stamp(moment) : to_rfc3339(moment);
}

char* escape_json(char* to, std::string_view text) {
    while (!text.empty()) {
        std::uint64_t word = ones * ' ';
        const std::size_t count = std::min(text.size(), sizeof word);
        // All eight are stored, also what is not plain and will be overwritten: a copy of constant length is one instruction.
        if (count == sizeof word) {
            std::memcpy(&word, text.data(), sizeof word);
            std::memcpy(to, &word, sizeof word);
        } else {
            std::memcpy(&word, text.data(), count);
            std::memcpy(to, &word, count);
        }
        const std::uint64_t special = special_bytes(word);
        const std::size_t plain = special == 0 ? count : first_byte(special);
        to += plain;
        text.remove_prefix(plain);
        if (special == 0) continue;
        std::size_t used = 0;
        to = escape_one(to, text, used);
        text.remove_prefix(used);
    }
    return to;
}

RecordBuffer::RecordBuffer(Flush flush) : flush_(std::move(flush)), pages_(buffer_size) {}

char* RecordBuffer::begin_record() {
    if (pages_.size() - used_ < max_log_record) flush();
    return pages_.data() + used_;
}

void RecordBuffer::flush() {
    if (used_ == 0) return;
    pages_.touched(used_);
    const std::string_view records(pages_.data(), used_);
    used_ = 0;
    flush_(records);
}

LogEncoder::LogEncoder(Stream stream, LogFormat format, std::string_view attributes) : format_(format) {
    const std::string_view name = stream == Stream::out ? "stdout" : "stderr";
    if (format == LogFormat::local) {
        middle_ = stream == Stream::out ? "Oo" : "Ee";
        return;
    }
    if (format == LogFormat::k8s) {
        middle_ = fmt::format(" {} ", name);
        return;
    }
    middle_ = fmt::format(R"(","stream":"{}",)", name);
    if (!attributes.empty()) middle_ += fmt::format(R"("attrs":{{{}}},)", attributes);
    middle_ += R"("time":")";
}

void LogEncoder::feed(std::string_view bytes, std::string_view time, RecordBuffer& to) {
    while (!bytes.empty()) {
        const std::size_t room = max_log_text - partial_.size();
        const std::string_view window = bytes.substr(0, room);
        const std::size_t newline = window.find('\n');
        if (newline == std::string_view::npos && window.size() < room) {
            partial_ += window;
            return;
        }
        const std::size_t taken = newline == std::string_view::npos ? room : newline + 1;
        if (newline != std::string_view::npos && partial_.empty()) {
            record(window.substr(0, taken), time, to);
        } else {
            partial_ += window.substr(0, taken);
            const std::size_t cut = newline == std::string_view::npos ? utf8_cut(partial_) : partial_.size();
            record(std::string_view(partial_).substr(0, cut), time, to);
            partial_.erase(0, cut);
        }
        bytes.remove_prefix(taken);
    }
    if (partial_.empty() && partial_.capacity() > small_partial) std::string().swap(partial_);
}

void LogEncoder::finish(std::string_view time, RecordBuffer& to) {
    if (!partial_.empty()) record(partial_, time, to);
    partial_.clear();
}

void LogEncoder::record(std::string_view text, std::string_view time, RecordBuffer& to) const {
    char* p = to.begin_record();
    // Nearly every text ends in a newline: apart, so that the words before it stay plain.
    const bool whole = text.ends_with('\n');
    if (whole) text.remove_suffix(1);
    if (format_ == LogFormat::local) {
        *p++ = middle_[whole ? 0 : 1];
        return to.end_record(put(put(put(p, time), text), "\n"));
    }
    if (format_ == LogFormat::k8s) {
        p = put(put(put(p, time), middle_), whole ? "F " : "P ");
        return to.end_record(put(put(p, text), "\n"));
    }
    p = put(p, R"({"log":")");
    p = escape_json(p, text);
    if (whole) p = put(p, "\\n");
    p = put(p, middle_);
    p = put(p, time);
    p = put(p, "\"}\n");
    to.end_record(p);
}

std::string make_note(LogFormat format, std::string_view text) {
    std::string record;
    RecordBuffer buffer([&](std::string_view bytes) { record += bytes; });
    LogEncoder(Stream::err, format).feed(text, log_stamp(format, Moment::now()), buffer);
    buffer.flush();
    return record;
}

} // namespace kist::monitor
