// SPDX-License-Identifier: Apache-2.0
// Reads a container's log back, over its rotated files, while its monitor may be writing and rotating it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hh"
#include "monitor/log_piece.hh"
#include "monitor/log_record.hh"

namespace kist::monitor {

struct LogQuery {
    std::optional<std::uint64_t> tail; ///< the last so many lines; nothing: all
    std::optional<Moment> since;       ///< this moment and later
    std::optional<Moment> until;       ///< this moment and earlier
};

class LogReader {
public:
    /// Called for every selected record, oldest first; false ends the reading.
    using Sink = std::function<bool(const LogRecord&)>;

    /// `path` as in LogConfig. A container that never ran has no such file: that is an empty log. Without `expand` compressed
    /// files count as damaged.
    LogReader(std::string path, LogQuery query, ExpandLog expand = {});

    /// What is there now, to `sink`. False when the sink ended it (or `until` was passed).
    bool read(const Sink& sink);
    /// What comes after read(), until `ended` is readable or hangs up (a connection to the container's monitor: that is
    /// when the container's end is on disk) and all before that has been read. `idle` is called before each wait, for a
    /// flush. False when the sink or `until` ended it. Sleeps without wake-ups while nothing is written.
    bool follow(const Sink& sink, int ended, const std::function<void()>& idle = {});
    /// Records and compressed files that could not be read; the others are not affected.
    std::uint64_t damaged() const { return damaged_; }

private:
    /// In which of the opened files, and where in it, the selected records start.
    struct Start {
        std::size_t file = 0;
        std::int64_t offset = 0;
    };
    std::vector<LogPiece> open_all() const;
    /// Drops those that cannot be read when it comes to them.
    Start find_start(std::vector<LogPiece>& newest_first);
    Start find_since(std::vector<LogPiece>& newest_first);
    bool make_plain(std::vector<LogPiece>& pieces, std::size_t index);
    bool read_to(std::int64_t limit, const Sink& sink);
    bool read_to_end(const Sink& sink);
    bool was_rotated() const;
    bool catch_up(const Sink& sink);
    bool deliver(std::string_view line, const Sink& sink);
    bool selects(const LogRecord& record);
    void switch_to(LogPiece piece, std::int64_t offset);
    /// After a rotation: the file that follows the one being read. False when that one is still the newest.
    bool move_to_next_file();
    int wait_limit() const;

    std::string path_;
    LogQuery query_;
    ExpandLog expand_;
    Fd file_;
    LogFileId id_;            ///< of file_, or of what it was before it was compressed
    std::int64_t offset_ = 0; ///< of what has been fetched from file_ into buffer_
    std::string buffer_;      ///< may end with a record whose rest is not written yet
    LogRecord record_;
    std::string last_time_; ///< records of one batch share their time: it is read once
    Moment last_moment_;
    bool past_until_ = false;
    std::uint64_t damaged_ = 0;
};

} // namespace kist::monitor
