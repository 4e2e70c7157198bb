// SPDX-License-Identifier: Apache-2.0
#include "monitor/stdio.hh"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

#include "base/error.hh"
#include "base/process.hh"

namespace kist::monitor {

namespace {

constexpr const char* in_name = "stdin";
constexpr const char* out_name = "stdout";
constexpr const char* err_name = "stderr";

void make_fifo(const Dir& run, const char* name) {
    run.remove_file(name); // of the run before
    if (::mkfifoat(run.fd().get(), name, 0600) != 0) throw SysError("making FIFO '{}'", run.path_of(name));
}

Fd open_fifo(const Dir& run, const char* name, int flags) {
    Fd fd{::openat(run.fd().get(), name, flags | O_NOFOLLOW | O_CLOEXEC)};
    if (!fd) throw SysError("opening FIFO '{}'", run.path_of(name));
    return fd;
}

void set_blocking(const Fd& fd, bool blocking) {
    const int flags = ::fcntl(fd.get(), F_GETFL);
    if (::fcntl(fd.get(), F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) != 0)
        throw SysError("setting the mode of a container's stdio");
}

bool has_terminal(const Job& job) { return job.spec.process && job.spec.process->terminal; }

} // namespace

ContainerStdio ContainerStdio::make(const Dir& run, const Job& job, const std::array<Fd, 3>& passed) {
    ContainerStdio stdio;
    if (has_terminal(job)) return stdio;
    if (job.log.driver == passthrough_driver) {
        stdio.pass(job, passed);
        return stdio;
    }
    for (const char* name : {out_name, err_name}) make_fifo(run, name);
    stdio.open_outputs(run);
    stdio.container_side[1] = open_fifo(run, out_name, O_RDWR);
    stdio.container_side[2] = open_fifo(run, err_name, O_RDWR);
    if (!job.stdin_open) {
        stdio.container_side[0] = open_null();
        return stdio;
    }
    make_fifo(run, in_name);
    // Non-blocking only so that the open does not wait for a writer.
    stdio.container_side[0] = open_fifo(run, in_name, job.stdin_once ? O_RDONLY | O_NONBLOCK : O_RDWR);
    if (job.stdin_once) set_blocking(stdio.container_side[0], true);
    stdio.input = open_fifo(run, in_name, O_WRONLY | O_NONBLOCK);
    return stdio;
}

ContainerStdio ContainerStdio::reopen(const Dir& run, const Job& job) {
    ContainerStdio stdio;
    if (has_terminal(job) || job.log.driver == passthrough_driver) return stdio;
    stdio.open_outputs(run);
    // With stdin_once the container has seen its end of file when the monitor died.
    if (job.stdin_open && !job.stdin_once) stdio.input = open_fifo(run, in_name, O_WRONLY | O_NONBLOCK);
    return stdio;
}

void ContainerStdio::pass(const Job& job, const std::array<Fd, 3>& passed) {
    for (std::size_t n = 0; n < passed.size(); ++n)
        container_side[n] = n > 0 || job.stdin_open ? passed[n].duplicate() : open_null();
}

/// O_RDWR: with a writer of our own a container that closes its output is no hang-up that would wake us again and again.
void ContainerStdio::open_outputs(const Dir& run) {
    out = open_fifo(run, out_name, O_RDWR | O_NONBLOCK);
    err = open_fifo(run, err_name, O_RDWR | O_NONBLOCK);
}

void ContainerStdio::use_terminal(Fd master) {
    set_blocking(master, false);
    // For the same reason. Without one (the master would report EIO) the terminal still works.
    terminal_end.reset(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    input = master.duplicate(); // epoll takes each descriptor once
    out = std::move(master);
}

void ContainerStdio::remove_files(const Dir& run) {
    for (const char* name : {in_name, out_name, err_name}) run.remove_file(name);
}

} // namespace kist::monitor
