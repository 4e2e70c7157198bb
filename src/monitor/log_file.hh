// SPDX-License-Identifier: Apache-2.0
// The log file that the monitor alone appends to, and its rotation: path → path.1 → path.2 … (path.1.gz → path.2.gz).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.hh"
#include "base/time.hh"
#include "monitor/log_encode.hh"
#include "monitor/log_sink.hh"

namespace kist::monitor {

/// Holds whole records only, also after a full disk or a killed predecessor: a torn last record is cut off.
class LogFile : public LogSink {
public:
    /// Makes the file (0640) or opens it for appending. Throws SysError.
    explicit LogFile(const LogConfig& config);

    /// Appends whole records, rotating between two records where max_size says. Never throws and never waits: what cannot be
    /// written is dropped and counted, and a record saying so is written once there is room again.
    void append(std::string_view records) noexcept override;
    std::uint64_t dropped_bytes() const { return dropped_; }
    /// Said as what this could not write.
    void note_lost(std::uint64_t bytes, int reason) noexcept override;
    /// With max_age: removes rotated files whose last record is older, and rotates this one in time.
    void expire(Moment now) noexcept;
    /// How often it has been rotated.
    std::uint64_t rotations() const { return rotations_; }

private:
    void open(int extra_flags);
    void cut_torn_record();
    std::size_t fitting(std::string_view records) const;
    bool write_records(std::string_view records) noexcept;
    void note_dropped() noexcept;
    void rotate() noexcept;

    std::string path_;
    LogFormat format_;
    std::int64_t max_size_;
    int max_files_;
    std::int64_t max_age_;
    Fd file_;
    std::int64_t born_ns_ = 0;
    std::int64_t size_ = 0;
    std::uint64_t dropped_ = 0; ///< bytes of records, since the last note
    int drop_reason_ = 0;
    std::uint64_t rotations_ = 0;
};

} // namespace kist::monitor
