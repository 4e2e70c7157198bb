// SPDX-License-Identifier: Apache-2.0
// One record of json-file, k8s-file or local back to what the container wrote.
#pragma once

#include <string>
#include <string_view>

#include "base/time.hh"
#include "monitor/log_encode.hh"

namespace kist::monitor {

struct LogRecord {
    Stream stream = Stream::out;
    std::string time;    ///< RFC 3339; see moment()
    std::string details; ///< "name=value,…" of the record's attributes
    std::string text;    ///< ends in a newline unless a long line goes on in the next record of its stream

    /// 1970 for a time that cannot be read.
    Moment moment() const;
    bool ends_line() const { return !text.empty() && text.back() == '\n'; }
};

/// `line` is one line of the file without its newline. False for a damaged one. Members of other writers (attrs) and any
/// order of members are accepted. `into` is reused, so that a long log costs no allocation per record.
bool decode_record(std::string_view line, LogRecord& into);

} // namespace kist::monitor
