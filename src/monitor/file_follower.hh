// SPDX-License-Identifier: Apache-2.0
// Single files of the host that a container sees by their path (`-v FILE:FILE:follow`): when a folder that leads to one changes,
// the container gets the file that is there now. Nothing wakes up while nothing changes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/event_loop.hh"
#include "base/fd.hh"
#include "oci/run/bind_renewal.hh"

namespace kist::monitor {

class FileFollower {
public:
    /// Of each change: where the container has the file, and what went wrong or nothing.
    using Report = std::function<void(const std::string& target, const std::string& error)>;
    /// `init`: a pidfd of the container's first process, whose mounts are made. Looks at all files at once, since one may have been
    /// replaced before. Throws SysError when the host has no more watches.
    FileFollower(EventLoop& loop, std::vector<oci::MountStep> files, const Fd& init, pid_t pid, Report report);
    FileFollower(const FileFollower&) = delete;
    FileFollower& operator=(const FileFollower&) = delete;
    ~FileFollower();

private:
    struct File {
        oci::MountStep step;
        dev_t device = 0; ///< of what the container has
        ino_t inode = 0;
    };
    void watch(const std::string& path);
    void on_change();
    void look();
    void look_at(File&);

    EventLoop& loop_;
    std::vector<File> files_;
    Fd init_;
    pid_t pid_;
    Report report_;
    Fd notices_;
    std::optional<EventLoop::TimerId> rest_;
};

} // namespace kist::monitor
