// SPDX-License-Identifier: Apache-2.0
// Where a container's records go.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "monitor/protocol.hh"

namespace kist::monitor {

class LogSink {
public:
    LogSink() = default;
    LogSink(const LogSink&) = delete;
    LogSink& operator=(const LogSink&) = delete;
    virtual ~LogSink() = default;
    /// Whole records of log_format(). What cannot be written is lost, and counted.
    virtual void append(std::string_view records) noexcept = 0;
    /// `bytes` of records were lost on their way here, for the reason errno `reason`.
    virtual void note_lost(std::uint64_t bytes, int reason) noexcept = 0;
    /// Returns when readers can see what was appended, or it has taken too long.
    virtual void sync() noexcept {}
};

/// Null for a driver that keeps nothing. Throws for a file that cannot be opened, a service that is not there and a driver that is
/// not ours.
std::unique_ptr<LogSink> make_log_sink(const LogConfig&);

} // namespace kist::monitor
