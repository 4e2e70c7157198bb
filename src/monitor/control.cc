// SPDX-License-Identifier: Apache-2.0
#include "monitor/control.hh"

#include <poll.h>

#include "base/socket.hh"
#include "base/text.hh"

namespace kist::monitor {

namespace {

constexpr auto patience = std::chrono::seconds(10);

/// False when the time is up.
bool wait_readable(int fd, std::chrono::milliseconds limit) {
    pollfd source{fd, POLLIN, 0};
    const auto deadline = std::chrono::steady_clock::now() + limit;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        const int ready = ::poll(&source, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        if (ready < 0 && errno != EINTR) throw SysError("waiting for the monitor");
        if (ready > 0) return true;
        if (left.count() <= 0) return false;
    }
}

} // namespace

std::optional<ControlClient> ControlClient::connect(const Dir& run_dir) {
    auto socket = connect_unix(run_dir, std::string(control_socket));
    if (!socket) return std::nullopt;
    return ControlClient(std::move(*socket));
}

PacketView ControlClient::next_packet() {
    PacketView packet;
    if (socket_.receive(packet) == PacketSocket::Result::end) throw MonitorLost("the container's monitor was killed");
    return packet;
}

std::optional<int> ControlClient::request(Packet type, std::string_view payload, const Waiting& waiting) {
    socket_.send(type, payload);
    return wait_answer(waiting);
}

void ControlClient::ask_stop(const StopRequest& stop) { socket_.send(Packet::stop, format_stop(stop)); }

std::optional<int> ControlClient::wait_stopped(const Waiting& waiting) { return wait_answer(waiting); }

std::optional<int> ControlClient::wait_answer(const Waiting& waiting) {
    if (waiting && !wait_readable(fd(), patience)) waiting();
    for (;;) {
        const PacketView packet = next_packet();
        if (packet.type == Packet::done) return std::nullopt;
        if (packet.type == Packet::exited) {
            const Exit exit = parse_exit(packet.payload);
            // It ended by itself before our request was read, which now calls off the next start.
            if (!exit.goes_on) return exit.code;
        }
        if (packet.type == Packet::failed) throw parse_failure(packet.payload);
    }
}

std::optional<int> ControlClient::stop(const StopRequest& stop, const Waiting& waiting) {
    return request(Packet::stop, format_stop(stop), waiting);
}

void ControlClient::signal(int number) { request(Packet::signal, std::to_string(number), {}); }
void ControlClient::pause() { request(Packet::pause, {}, {}); }
void ControlClient::unpause() { request(Packet::unpause, {}, {}); }
void ControlClient::hold() { request(Packet::hold, {}, {}); }
void ControlClient::let_go() { request(Packet::let_go, {}, {}); }

void ControlClient::reload() { request(Packet::reload, {}, {}); }

std::string ControlClient::start() {
    socket_.send(Packet::start);
    for (;;) {
        const PacketView packet = next_packet();
        if (packet.type == Packet::failed) throw parse_failure(packet.payload);
        if (packet.type == Packet::exited) throw Error("it was stopped meanwhile").with_exit_code(ExitCode::failure);
        if (packet.type == Packet::started) return split_once(packet.payload, '\n').second.value_or("");
    }
}

void ControlClient::ask_attach(std::uint8_t flags, const std::optional<WindowSize>& size) {
    socket_.send(Packet::attach, std::string(1, static_cast<char>(flags)));
    if (size) socket_.send(Packet::resize, format_resize(*size));
    request(Packet::ping, {}, {});
}

ControlClient::Checked ControlClient::check_health() {
    socket_.send(Packet::check_health);
    for (;;) {
        const PacketView packet = next_packet();
        if (packet.type == Packet::failed) throw parse_failure(packet.payload);
        if (packet.type == Packet::exited) throw Error("it has ended").with_exit_code(ExitCode::failure);
        if (packet.type != Packet::checked) continue;
        const auto [code, health] = split_once(packet.payload, ' ');
        return {static_cast<int>(parse_signed(code).value_or(-1)), health.value_or("")};
    }
}

bool ControlClient::ping(std::chrono::milliseconds limit) {
    socket_.send(Packet::ping);
    if (!wait_readable(fd(), limit)) return false;
    PacketView packet;
    return socket_.receive(packet) == PacketSocket::Result::packet;
}

int ControlClient::wait_exit() {
    for (;;) {
        const PacketView packet = next_packet();
        if (packet.type == Packet::exited) return parse_exit(packet.payload).code;
    }
}

} // namespace kist::monitor
