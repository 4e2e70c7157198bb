// SPDX-License-Identifier: Apache-2.0
// What a container's process and its maker say to each other before exec: one SEQPACKET socket, CLOEXEC on the process's
// side, so that a successful exec is heard as the end of the stream.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/error.hh"
#include "base/fd.hh"

namespace kist::oci {

/// The process's side.
/// Says that its namespaces and mounts are made, and waits until the maker's hooks are done: the process's pid as the maker knows
/// it; nothing when the maker is gone.
std::optional<pid_t> wait_for_hooks(const Fd& channel);
void send_ready(const Fd& channel, const Fd& terminal);
/// False when the maker is gone.
bool wait_for_go(const Fd& channel);
/// Best effort: nobody is there to hear of a failure to tell a failure.
void send_failure(const Fd& channel, const Error& error) noexcept;

/// Runs what the process is there for; whatever goes wrong in it is told.
template <typename Body>
void tell_failure(const Fd& channel, const Body& body) noexcept {
    try {
        body();
    } catch (const Error& error) {
        send_failure(channel, error);
    } catch (const std::exception& error) {
        send_failure(channel, Error("{}", error.what()));
    }
}

/// The maker's side. Throws the process's Error; `ended` is true when it ended without a word.
struct Ready {
    Fd terminal;
    bool ended = false;
    bool wants_hooks = false; ///< not ready yet: answer by send_hooks_done(), then receive again
};
Ready receive_ready(const Fd& channel);
void send_hooks_done(const Fd& channel, pid_t pid);
void send_go(const Fd& channel);
/// The process is about to install a filter with a listener, which will be its descriptor of that number; it waits for "go" then.
void send_listener(const Fd& channel, int number);
/// Called in the starter with that number.
using ListenerHandler = std::function<void(int number)>;
/// Returns when the process has exec'd (or died: its exit status tells). Throws its Error.
void receive_started(const Fd& channel, const ListenerHandler& on_listener);

/// What a process that only makes a mount, or a socket, says to its maker.
void send_descriptor(const Fd& channel, const Fd& fd);
/// Throws the process's Error.
Fd receive_descriptor(const Fd& channel);

/// What a process that made the container's process says to its own maker.
void send_pid(const Fd& channel, pid_t pid);
/// Throws the process's Error.
pid_t receive_pid(const Fd& channel);

} // namespace kist::oci
