// SPDX-License-Identifier: Apache-2.0
#include "oci/run/init_channel.hh"

#include <sys/socket.h>

#include "base/socket.hh"
#include "base/text.hh"

namespace kist::oci {

namespace {

constexpr std::size_t packet_limit = 16 * 1024;
constexpr char ready = 'R', go = 'G', failure = 'F', hooks = 'H', listener = 'N';

/// "F<exit code>\n<hint>\n<message>"; the message comes last since it alone may hold line breaks (of a file name).
[[noreturn]] void throw_failure(std::string_view packet) {
    const auto [code, rest] = split_once(packet.substr(1), '\n');
    const auto [hint, message] = split_once(rest.value_or(""), '\n');
    Error error("{}", message.value_or("its first process failed"));
    error.with_hint(hint);
    error.with_exit_code(static_cast<ExitCode>(parse_unsigned(code, 255).value_or(static_cast<int>(ExitCode::engine))));
    throw error;
}

/// A peer that is gone is an answer here: it reads as nothing.
std::optional<Message> receive(const Fd& channel) {
    try {
        return receive_message(channel, packet_limit);
    } catch (const SysError& error) {
        if (error.code == ECONNRESET) return std::nullopt;
        throw;
    }
}

} // namespace

void send_ready(const Fd& channel, const Fd& terminal) {
    if (terminal) send_message(channel, std::string_view(&ready, 1), {terminal.get()});
    else send_message(channel, std::string_view(&ready, 1));
}

std::optional<pid_t> wait_for_hooks(const Fd& channel) {
    send_message(channel, std::string_view(&hooks, 1));
    const auto message = receive(channel);
    if (!message || !message->bytes.starts_with(hooks)) return std::nullopt;
    const auto pid = parse_unsigned(std::string_view(message->bytes).substr(1), INT32_MAX);
    if (!pid) return std::nullopt;
    return static_cast<pid_t>(*pid);
}

bool wait_for_go(const Fd& channel) {
    const auto message = receive(channel);
    return message && message->bytes.size() == 1 && message->bytes.front() == go;
}

void send_failure(const Fd& channel, const Error& error) noexcept {
    try {
        std::string hint = error.hint();
        for (char& c : hint)
            if (c == '\n') c = ' ';
        std::string text =
            fmt::format("{}{}\n{}\n{}", failure, static_cast<int>(error.exit_code()), hint, error.message());
        text.resize(std::min(text.size(), packet_limit));
        send_message(channel, text);
    } catch (...) {
    }
}

Ready receive_ready(const Fd& channel) {
    auto message = receive(channel);
    if (!message || message->bytes.empty()) return {.terminal = {}, .ended = true, .wants_hooks = false};
    if (message->bytes.front() == failure) throw_failure(message->bytes);
    if (message->bytes.front() == hooks) return {.terminal = {}, .ended = false, .wants_hooks = true};
    Ready result;
    if (!message->fds.empty()) result.terminal = std::move(message->fds.front());
    return result;
}

void send_hooks_done(const Fd& channel, pid_t pid) { send_message(channel, fmt::format("{}{}", hooks, pid)); }

void send_go(const Fd& channel) { send_message(channel, std::string_view(&go, 1)); }

void send_listener(const Fd& channel, int number) { send_message(channel, fmt::format("{}{}", listener, number)); }

void receive_started(const Fd& channel, const ListenerHandler& on_listener) {
    auto message = receive(channel);
    if (message && message->bytes.starts_with(listener)) {
        const auto number = parse_unsigned(std::string_view(message->bytes).substr(1), INT32_MAX);
        if (!number || !on_listener) throw Error("seccomp: nobody listens to the filter's notifications");
        on_listener(static_cast<int>(*number));
        send_go(channel);
        message = receive(channel);
    }
    if (message && !message->bytes.empty() && message->bytes.front() == failure) throw_failure(message->bytes);
}

void send_descriptor(const Fd& channel, const Fd& fd) {
    send_message(channel, std::string_view(&ready, 1), {fd.get()});
}

Fd receive_descriptor(const Fd& channel) {
    auto message = receive(channel);
    if (message && message->bytes.starts_with(failure)) throw_failure(message->bytes);
    if (!message || message->fds.empty()) throw Error("the process that was to send a descriptor was killed");
    return std::move(message->fds.front());
}

void send_pid(const Fd& channel, pid_t pid) { send_message(channel, std::to_string(pid)); }

pid_t receive_pid(const Fd& channel) {
    const auto message = receive(channel);
    if (message && message->bytes.starts_with(failure)) throw_failure(message->bytes);
    const auto pid = message ? parse_unsigned(message->bytes, INT32_MAX) : std::nullopt;
    if (!pid) throw Error("making the container's process: its maker was killed");
    return static_cast<pid_t>(*pid);
}

} // namespace kist::oci
