// SPDX-License-Identifier: Apache-2.0
#include "runtime/foreground.hh"

#include <csignal>

#include "base/event_loop.hh"
#include "engine/exec_terminal.hh"

namespace kist::runtime {

int wait_in_foreground(Child child, Fd terminal) {
    if (terminal) {
        const engine::RelayOptions relay{.interactive = true, .detach_sequence = {}};
        return engine::relay_terminal(child, terminal, relay).value_or(0);
    }
    EventLoop loop;
    loop.watch(child.pidfd().get(), EPOLLIN, [&](std::uint32_t) { loop.stop(); });
    loop.on_signals({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH},
                    [&](const signalfd_siginfo& info) { child.signal(static_cast<int>(info.ssi_signo)); });
    loop.run();
    return child.wait().code();
}

} // namespace kist::runtime
