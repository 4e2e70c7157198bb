// SPDX-License-Identifier: Apache-2.0
// Both streams of a container on their way into its log.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "monitor/log_encode.hh"
#include "monitor/log_sink.hh"

namespace kist::monitor {

class LogWriter {
public:
    /// Without a sink (null) nothing is kept.
    LogWriter(const LogConfig& config, std::unique_ptr<LogSink> sink);
    /// With make_log_sink().
    explicit LogWriter(const LogConfig& config) : LogWriter(config, make_log_sink(config)) {}
    /// One batch as it was read: at most one write(2) per 256 KiB of records, all with the same time. Never throws.
    void write(Stream stream, std::string_view bytes);
    /// Unfinished lines become records, and readers see them all.
    void finish();
    void release_memory() { buffer_.release_memory(); }

private:
    std::unique_ptr<LogSink> sink_;
    LogFormat format_;
    RecordBuffer buffer_;
    std::array<LogEncoder, 2> encoders_;
};

} // namespace kist::monitor
