// SPDX-License-Identifier: Apache-2.0
// What a monitor and its clients read: packets, jobs, log records, and a container's output on its way into the log and
// back. The first byte chooses.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.hh"
#include "monitor/detach_keys.hh"
#include "monitor/log_encode.hh"
#include "monitor/log_record.hh"
#include "monitor/protocol.hh"
#include "monitor/utf8.hh"

using namespace kist;
using namespace kist::monitor;

namespace {

void check(bool holds) {
    if (!holds) std::abort();
}

/// What bytes that are no UTF-8 become.
std::string repaired(std::string_view text) {
    std::string to;
    while (!text.empty()) {
        const std::size_t length = utf8_sequence(text);
        to += length == 0 ? "\xef\xbf\xbd" : text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return to;
}

/// Output in pieces of 1 to 64 bytes comes back as it was, whatever it is.
void output(std::string_view bytes) {
    std::string records;
    RecordBuffer buffer([&](std::string_view r) { records += r; });
    LogEncoder encoder(Stream::err);
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t piece = 1 + static_cast<unsigned char>(bytes[at]) % 64;
        encoder.feed(bytes.substr(at, piece), "2026-11-21T08:00:00Z", buffer);
        at += piece;
    }
    encoder.finish("2026-11-21T08:00:00Z", buffer);
    buffer.flush();
    std::string back;
    LogRecord record;
    for (std::string_view rest = records; !rest.empty(); rest.remove_prefix(rest.find('\n') + 1)) {
        check(decode_record(rest.substr(0, rest.find('\n')), record));
        back += record.text;
    }
    check(back == repaired(bytes));
}

void packet(std::string_view bytes) {
    const auto parsed = parse_packet(bytes);
    if (!parsed) return;
    if (const auto size = parse_resize(parsed->payload)) check(parse_resize(format_resize(*size)) == size);
    if (const auto stop = parse_stop(parsed->payload)) check(parse_stop(format_stop(*stop)) == stop);
    (void)parse_failure(parsed->payload);
}

void keys(std::string_view bytes) {
    DetachMatcher matcher(std::string(bytes.substr(0, bytes.size() % 4)));
    std::string forwarded;
    if (!matcher.feed(bytes, forwarded)) check(forwarded + matcher.take_held() == bytes);
    (void)parse_detach_keys(bytes);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    LogRecord record;
    try {
        switch (data[0] % 5) {
        case 0: output(text); break;
        case 1: packet(text); break;
        case 2: (void)decode_record(text, record); break;
        case 3: keys(text); break;
        default: (void)parse_job(text, "fuzz");
        }
    } catch (const Error&) {
    }
    return 0;
}
