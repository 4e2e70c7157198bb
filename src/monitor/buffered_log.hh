// SPDX-License-Identifier: Apache-2.0
// mode=non-blocking: records wait in a socket's buffer for a process that writes them. A log that takes nothing (a dead disk, a
// service that hangs) never holds up the container; what does not fit is lost, and that is said. The buffer is the kernel's: when
// the monitor is killed, the process still writes what is in it and ends.
#pragma once

#include <string>

#include "base/file.hh"
#include "base/process.hh"
#include "monitor/log_sink.hh"

namespace kist::monitor {

class BufferedLog : public LogSink {
public:
    /// Starts the process, `kist-monitor --log`, for the container of this run folder, which outlives this. Throws what the
    /// process could not open.
    BufferedLog(const Dir& run, std::string container_id, std::int64_t buffer_size);
    ~BufferedLog() override;
    void append(std::string_view records) noexcept override;
    void note_lost(std::uint64_t bytes, int reason) noexcept override;
    void sync() noexcept override;

private:
    void start();
    bool send(std::string_view message, int flags) noexcept;
    bool tell_lost() noexcept;

    const Dir& run_;
    std::string id_;
    std::int64_t buffer_size_;
    Fd socket_;
    Child child_;
    std::uint64_t lost_ = 0;
    int lost_reason_ = 0;
};

/// The process. Returns at the monitor's end, when all is written. Tells `socket` why, when the log cannot be opened.
void write_buffered_log(const Dir& run, const Fd& socket);

} // namespace kist::monitor
