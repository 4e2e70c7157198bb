// SPDX-License-Identifier: Apache-2.0
// Compresses rotated log files, one at a time, in a process of its own (kist-unpack): what takes seconds of processor time holds
// up no container.
#pragma once

#include <optional>
#include <string>

#include "base/event_loop.hh"
#include "monitor/log_piece.hh"
#include "storage/unpack_client.hh"

namespace kist::monitor {

class LogPacker {
public:
    /// `path` and `max_files` as in LogConfig. Nothing runs before start().
    LogPacker(EventLoop& loop, std::string path, int max_files);
    LogPacker(const LogPacker&) = delete;
    LogPacker& operator=(const LogPacker&) = delete;
    /// One that is being compressed stays as it is: the next monitor does it.
    ~LogPacker();

    /// After a rotation: the newest file that is not compressed yet, and when that is done, the next. What cannot be
    /// compressed stays readable. On a file system that tells no times of birth nothing is compressed: a reader could not
    /// tell a file from its successor.
    void start() noexcept;

private:
    struct Work {
        Fd plain;
        LogFileId id;
        storage::Packing packing;
    };
    bool start_on(std::size_t number);
    void on_end();
    void install() const;
    std::string temporary() const { return path_ + ".gz.tmp"; }

    EventLoop& loop_;
    std::string path_;
    std::size_t max_files_;
    std::optional<Work> work_;
};

} // namespace kist::monitor
