// SPDX-License-Identifier: Apache-2.0
#include "oci/run/clone.hh"

#include <algorithm>
#include <climits>
#include <csignal>

#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/socket.hh"
#include "base/text.hh"
#include "oci/run/init_channel.hh"

namespace kist::oci {

std::optional<Child> clone_process(std::uint64_t flags, const Fd& cgroup) {
    int pidfd = -1;
    clone_args arguments{};
    arguments.flags = flags | CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    // a sibling has its maker's
    arguments.exit_signal = (flags & CLONE_PARENT) != 0 ? 0u : static_cast<unsigned>(SIGCHLD);
    if (cgroup) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<std::uint64_t>(cgroup.get());
    }
    const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0) return std::nullopt;
    if (pid > 0) return Child(static_cast<pid_t>(pid), Fd(pidfd));
    SysError error("making the container's process");
    if (error.code == ENOSPC || error.code == EUSERS)
        error.with_hint("a limit on namespaces is reached: see /proc/sys/user/max_*_namespaces");
    if (error.code == EAGAIN) error.with_hint("a limit on processes is reached");
    throw error;
}

namespace {

void close_between(int first, int last) {
    if (::syscall(SYS_close_range, first, last, 0) == 0) return;
    if (errno != ENOSYS) throw SysError("closing descriptors");
    constexpr int likely = 1024; // before 5.9
    for (int fd = first; fd <= std::min(last, likely); ++fd) (void)::close(fd);
}

void close_all_but(std::vector<int> keep, int channel) {
    keep.push_back(channel);
    std::sort(keep.begin(), keep.end());
    int first = 0;
    for (const int fd : keep) {
        if (fd > first) close_between(first, fd - 1);
        first = std::max(first, fd + 1);
    }
    close_between(first, INT_MAX);
}

/// Its pid, told by the stage. Throws what the stage failed at.
Child receive_child(const Fd& channel) {
    const pid_t pid = receive_pid(channel);
    auto pidfd = open_pidfd(pid);
    if (!pidfd) throw Error("making the container's process: it has ended");
    return Child(pid, std::move(*pidfd));
}

} // namespace

std::optional<Child> clone_through_stage(const Stage& stage, std::uint64_t flags, const Fd& cgroup) {
    SocketPair channel = make_socket_pair();
    // Born in the group: the child inherits it, and needs no descriptor of a folder of the host for it.
    std::optional<Child> between = clone_process(0, cgroup);
    if (between) {
        channel.second.reset();
        Child child = receive_child(channel.first);
        between->wait();
        return child;
    }
    bool born = false;
    tell_failure(channel.second, [&] {
        channel.first.reset();
        if (!stage.keep.empty()) close_all_but(stage.keep, channel.second.get());
        stage.enter();
        std::optional<Child> child = clone_process(flags | CLONE_PARENT, Fd());
        born = !child;
        if (child) send_pid(channel.second, child->release());
    });
    if (born) return std::nullopt;
    ::_exit(0);
}

} // namespace kist::oci
