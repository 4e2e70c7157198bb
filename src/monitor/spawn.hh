// SPDX-License-Identifier: Apache-2.0
// Starting a container's monitor. protocol.hh says what it finds and what it answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hh"
#include "base/process.hh"
#include "monitor/protocol.hh"

namespace kist::monitor {

struct SpawnOptions {
    /// Of kist-monitor, absolute (storage::program_path("kist-monitor")).
    std::string program;
    std::string container_id;
    /// The container lives (or has ended) without its monitor: take it over instead of starting it.
    bool adopt = false;
    /// Make the container, whose program waits for Packet::start.
    bool initialize = false;
    /// With the log driver passthrough: the container gets this process's stdin, stdout and stderr. One that is adopted keeps what
    /// it has; should its monitor start it again, it gets /dev/null.
    bool pass_stdio = false;
    /// AttachSettings::flags() when the caller wants to be attached from the first byte; 0: not attached.
    std::uint8_t attach = 0;
    /// The terminal's size before the container's program starts.
    std::optional<WindowSize> size;
};

/// A monitor that was just started. Destroyed before release(), it is killed.
class SpawnedMonitor {
public:
    SpawnedMonitor(Child child, Fd socket) : child_(std::move(child)), socket_(std::move(socket)) {}

    /// Blocks until init has exec'd (with `initialize`: waits to), and returns its pid. A container that could not start is thrown as the error it is
    /// (exit code 125, 126 or 127), after the monitor has cleaned up and ended. Nothing: an adopted container that has ended
    /// meanwhile; its exit is on disk.
    std::optional<pid_t> wait_started();
    /// After that: what poststart hooks failed at, a line each.
    const std::string& warnings() const { return warnings_; }
    /// The monitor outlives us.
    void release() { child_.release(); }
    /// For AttachSession::run(…, Greet::no) when `attach` was set.
    Fd take_socket() { return std::move(socket_); }
    /// Its own end, which may take 10 ms longer than the container's: the kernel closes its sockets to the firewall after a grace
    /// period. Commands do not wait for it.
    void wait_ended() { child_.wait(); }
    const Child& child() const { return child_; }

private:
    Child child_;
    Fd socket_;
    std::string warnings_;
};

/// How the monitor's program is started, whatever it is to do: streams of `nothing`, `socket` and `run` at their descriptors, all of
/// which live until it is.
Spawn plan_monitor(std::vector<std::string> argv, const Fd& nothing, const Fd& socket, const Dir& run);

/// monitor.json has been written to `run_dir`.
SpawnedMonitor spawn_monitor(const Dir& run_dir, const SpawnOptions& options);

} // namespace kist::monitor
