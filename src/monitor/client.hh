// SPDX-License-Identifier: Apache-2.0
// The command's side of an attached container: `run` without -d, `start -a`, `attach`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/fd.hh"
#include "monitor/protocol.hh"

namespace kist::monitor {

struct AttachSettings {
    bool stdin_ = false, stdout_ = true, stderr_ = true;
    /// The container has a pseudo terminal: with -i and a terminal of ours that one becomes raw, and its size is passed on.
    bool terminal = false;
    /// Signals that we get go to the container: all but SIGCHLD, SIGPIPE, SIGURG, SIGWINCH, the terminal's own SIGTTIN and
    /// SIGTTOU, and what cannot be caught. With a raw terminal SIGHUP is not passed on: closing a window detaches.
    bool sig_proxy = true;
    std::string detach_keys = "ctrl-p,ctrl-q";
    /// Attached to a container that runs already: makes full-screen programs draw themselves again.
    bool redraw = false;

    /// For Packet::attach.
    std::uint8_t flags() const;
};

struct AttachOutcome {
    enum class Kind {
        exited,   ///< exit_code is the container's
        detached, ///< by the detach keys
        /// a signal that was not for the container ended us; exit_code is 128 + signal; the container runs on
        interrupted,
        output_closed, ///< the reader of our output is gone (`| head`); the container runs on
        dropped,       ///< the monitor gave us up, `reason` says why
        lost,          ///< the monitor was killed; the container may run on (adopt it)
    };
    Kind kind = Kind::lost;
    int exit_code = 0;
    bool goes_on = false; ///< exited, and its monitor will start it again
    std::string reason;
};

class AttachSession {
public:
    /// Checks the detach keys (UsageError) before anything is connected.
    explicit AttachSession(AttachSettings settings);

    /// Streams until one of the outcomes. `socket`: a connection on which Packet::attach has been sent already (the spawn
    /// socket) or, with Greet::yes, a fresh one. Output that the container has written is written out before it returns;
    /// the terminal is restored in any case.
    enum class Greet { yes, no };
    AttachOutcome run(Fd socket, Greet greet);

private:
    AttachSettings settings_;
    std::string detach_sequence_;
};

} // namespace kist::monitor
