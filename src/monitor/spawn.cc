// SPDX-License-Identifier: Apache-2.0
#include "monitor/spawn.hh"

#include "base/error.hh"
#include "base/socket.hh"
#include "base/text.hh"
#include "monitor/packet_socket.hh"
#include "oci/run/sealed_program.hh"

namespace kist::monitor {

std::optional<pid_t> SpawnedMonitor::wait_started() {
    // Not PacketSocket: it would take the socket, and its buffer, for one small packet.
    for (;;) {
        const auto message = receive_message(socket_, max_packet);
        if (!message) {
            const ExitStatus status = child_.wait();
            throw Error("the container's monitor ended before the container started ({} {})",
                        status.signal != 0 ? "signal" : "exit code",
                        status.signal != 0 ? status.signal : status.exit_code);
        }
        const auto packet = parse_packet(message->bytes);
        if (!packet) continue;
        if (packet->type == Packet::started) {
            const auto [pid, warnings] = split_once(packet->payload, '\n');
            warnings_ = warnings.value_or("");
            return static_cast<pid_t>(parse_unsigned(pid, INT32_MAX).value_or(0));
        }
        if (packet->type == Packet::exited) {
            child_.wait();
            return std::nullopt;
        }
        if (packet->type == Packet::failed) {
            const Error failure = parse_failure(packet->payload);
            child_.wait();
            throw failure;
        }
    }
}

Spawn plan_monitor(std::vector<std::string> argv, const Fd& nothing, const Fd& socket, const Dir& run) {
    Spawn spawn;
    spawn.argv = std::move(argv);
    spawn.fds = {{nothing.get(), 0},
                 {nothing.get(), 1},
                 {nothing.get(), 2},
                 {socket.get(), spawn_socket},
                 {run.fd().get(), run_folder}};
    spawn.new_session = true;
    spawn.cwd = "/";
    return spawn;
}

SpawnedMonitor spawn_monitor(const Dir& run_dir, const SpawnOptions& options) {
    SocketPair sockets = make_socket_pair();
    if (options.attach != 0)
        send_message(sockets.first, make_packet(Packet::attach, std::string(1, static_cast<char>(options.attach))));
    if (options.size) send_message(sockets.first, make_packet(Packet::resize, format_resize(*options.size)));
    const Fd nothing = open_null();
    std::vector<std::string> argv = {options.program};
    if (options.adopt) argv.emplace_back("--adopt");
    if (options.initialize) argv.emplace_back("--init");
    argv.push_back(options.container_id);
    Spawn spawn = plan_monitor(std::move(argv), nothing, sockets.second, run_dir);
    // The monitor clones the container's init, which is seen from inside until it execs (P4).
    const Fd program = oci::open_sealed_program(options.program);
    spawn.program = program.get();
    if (options.pass_stdio)
        for (int fd = 0; fd < 3; ++fd) spawn.fds.emplace_back(options.adopt ? nothing.get() : fd, passed_stdio + fd);
    Child child = ::kist::spawn(spawn);
    return {std::move(child), std::move(sockets.first)};
}

} // namespace kist::monitor
