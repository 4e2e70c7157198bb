// SPDX-License-Identifier: Apache-2.0
// The pipes between a container and its monitor, made so that either may die without hurting the other.
#pragma once

#include <array>

#include "base/fd.hh"
#include "base/file.hh"
#include "monitor/protocol.hh"

namespace kist::monitor {

/// Without a terminal: FIFOs in the run folder, which a monitor that adopts the container can open again. The container has
/// stdout and stderr open for reading too, so a dying monitor gives it no SIGPIPE; hence no end of file is ever seen here, and
/// what is left after init's exit is read until there is no more. Its stdin is /dev/null unless asked for. With stdin_once
/// the container has only the reading end: closing `input` is its end of file (and so is the monitor's death, which its one
/// client does not survive either). Else nothing ever ends its stdin, and a shell kept open by -di outlives a killed monitor.
struct ContainerStdio {
    Fd input;    ///< non-blocking; none: stdin is not open
    Fd out, err; ///< non-blocking; with a terminal `out` is its master and `err` none
    /// the container's end of the terminal, held so that it is never hung up; closed before the last read
    Fd terminal_end;
    std::array<Fd, 3> container_side;

    /// `passed`: with the log driver passthrough what the container gets, as it is; nothing of it is seen here.
    static ContainerStdio make(const Dir& run, const Job& job, const std::array<Fd, 3>& passed);
    /// For a container that runs already. A terminal cannot be opened again: its session was hung up with its monitor.
    static ContainerStdio reopen(const Dir& run, const Job& job);
    /// After init has its copies.
    void drop_container_side() { container_side = {}; }
    void use_terminal(Fd master);
    static void remove_files(const Dir& run);

private:
    void open_outputs(const Dir& run);
    void pass(const Job& job, const std::array<Fd, 3>& passed);
};

} // namespace kist::monitor
