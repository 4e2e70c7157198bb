// SPDX-License-Identifier: Apache-2.0
// A container's output as Docker's json-file records, one JSON object a line, as Kubernetes' and Podman's k8s-file, or as local,
// which spends 13 bytes on a line beside its text (O, E: a line of stdout, stderr; o, e: it goes on in the next record):
//     {"log":"hello\n","stream":"stdout","time":"2026-11-21T08:00:01.123456789Z"}
//     2026-11-21T08:00:01.123456789Z stdout F hello
//     O0NCdXaU2F4Lhello
// This is the hot path of a chatty container: it works on raw memory, and bytes that need no escape go 8 at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/time.hh"
#include "monitor/page_buffer.hh"

namespace kist::monitor {

enum class Stream { out, err };
enum class LogFormat { json, k8s, local };

/// Sockets take their records in the form of k8s-file. Throws for a driver that is not ours.
LogFormat log_format(std::string_view driver);
/// A record's time as its format has it.
std::string log_stamp(LogFormat, Moment);

/// A longer line becomes several records, of which only the last one ends in a newline (as Docker's).
inline constexpr std::size_t max_log_text = 16 * 1024;
/// Of LogConfig::attributes, which every record repeats.
inline constexpr std::size_t max_log_attributes = 4 * 1024;
/// Longest record: every byte escaped as six, and the rest of the object.
inline constexpr std::size_t max_log_record = 6 * max_log_text + max_log_attributes + 128;

/// Writes `text` as the inside of a JSON string to `to`, which has room for six times its size; returns the new end.
/// Bytes that are no UTF-8 become U+FFFD.
char* escape_json(char* to, std::string_view text);

/// Memory that records are gathered in, so that a batch costs one write(2). Its pages go back to the kernel when idle.
class RecordBuffer {
public:
    using Flush = std::function<void(std::string_view records)>;
    explicit RecordBuffer(Flush flush);

    /// Room for one more record; flushes first when there is none.
    char* begin_record();
    void end_record(char* end) { used_ = static_cast<std::size_t>(end - pages_.data()); }
    void flush();
    /// Between bursts of output. The buffer is empty.
    void release_memory() { pages_.release(); }

private:
    Flush flush_;
    PageBuffer pages_;
    std::size_t used_ = 0;
};

/// Cuts one stream into records; keeps the unfinished last line until its end comes.
class LogEncoder {
public:
    /// `attributes` as in LogConfig.
    explicit LogEncoder(Stream stream, LogFormat format = LogFormat::json, std::string_view attributes = {});
    /// `time` as of log_stamp().
    void feed(std::string_view bytes, std::string_view time, RecordBuffer& to);
    /// The stream is at its end: what is left becomes a record without newline.
    void finish(std::string_view time, RecordBuffer& to);
    bool has_partial_line() const { return !partial_.empty(); }

private:
    void record(std::string_view text, std::string_view time, RecordBuffer& to) const;
    LogFormat format_;
    std::string middle_; ///< json: what stands between text and time; k8s: between time and text; local: the two flags
    std::string partial_;
};

/// One record of kist's own, on stderr.
std::string make_note(LogFormat, std::string_view text);

} // namespace kist::monitor
