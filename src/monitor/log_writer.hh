// SPDX-License-Identifier: Apache-2.0
// Both streams of a container on their way into its log.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "monitor/log_encode.hh"
#include "monitor/log_file.hh"
#include "monitor/log_socket.hh"

namespace kist::monitor {

class LogWriter {
public:
    /// Throws for a file that cannot be opened and for a driver that is not ours.
    explicit LogWriter(const LogConfig& config);
    /// One batch as it was read: at most one write(2) per 256 KiB of records, all with the same time. Never throws.
    void write(Stream stream, std::string_view bytes);
    /// Unfinished lines become records.
    void finish();
    void release_memory() { buffer_.release_memory(); }

private:
    std::optional<LogFile> file_;
    std::optional<LogSocket> socket_;
    RecordBuffer buffer_;
    std::array<LogEncoder, 2> encoders_;
};

} // namespace kist::monitor
