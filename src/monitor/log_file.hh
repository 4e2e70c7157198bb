// SPDX-License-Identifier: Apache-2.0
// The log file that the monitor alone appends to, and its rotation: path → path.1 → path.2 …
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.hh"
#include "monitor/protocol.hh"

namespace kist::monitor {

/// Holds whole records only, also after a full disk or a killed predecessor: a torn last record is cut off.
class LogFile {
public:
    /// Makes the file (0640) or opens it for appending. Throws SysError.
    explicit LogFile(const LogConfig& config);

    /// Appends whole records, rotating between two records where max_size says. Never throws and never waits: what cannot be
    /// written is dropped and counted, and a record saying so is written once there is room again.
    void append(std::string_view records) noexcept;
    std::uint64_t dropped_bytes() const { return dropped_; }

private:
    void open(int extra_flags);
    void cut_torn_record();
    std::size_t fitting(std::string_view records) const;
    bool write_records(std::string_view records) noexcept;
    void note_dropped() noexcept;
    void rotate() noexcept;

    std::string path_;
    bool is_k8s_;
    std::int64_t max_size_;
    int max_files_;
    Fd file_;
    std::int64_t size_ = 0;
    std::uint64_t dropped_ = 0; ///< bytes of records, since the last note
    int drop_reason_ = 0;
};

} // namespace kist::monitor
