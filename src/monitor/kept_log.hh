// SPDX-License-Identifier: Apache-2.0
// What happens to log files without a record being written: rotated ones are compressed, old ones removed.
#pragma once

#include <memory>

#include "base/event_loop.hh"
#include "monitor/log_file.hh"
#include "monitor/log_packer.hh"
#include "monitor/log_sink.hh"

namespace kist::monitor {

/// A log file that is compressed and removed by age, as its options say.
class KeptLog : public LogSink {
public:
    /// As LogFile's.
    KeptLog(EventLoop& loop, const LogConfig& config);
    ~KeptLog() override;
    void append(std::string_view records) noexcept override;
    void note_lost(std::uint64_t bytes, int reason) noexcept override { file_.note_lost(bytes, reason); }

private:
    void wait_for_age();

    EventLoop& loop_;
    LogFile file_;
    LogPacker packer_;
    bool compresses_;
    std::uint64_t rotations_ = 0;
    std::int64_t max_age_;
    EventLoop::TimerId timer_ = 0;
};

/// make_log_sink(), and for a file what its options ask for.
std::unique_ptr<LogSink> open_log(EventLoop& loop, const LogConfig& config);

} // namespace kist::monitor
