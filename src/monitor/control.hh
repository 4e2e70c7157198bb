// SPDX-License-Identifier: Apache-2.0
// Requests to a running container's monitor, and waiting for the container's end: stop, kill, pause, wait, rm -f, logs -f.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "base/error.hh"
#include "base/file.hh"
#include "base/text.hh"
#include "monitor/packet_socket.hh"
#include "monitor/protocol.hh"

namespace kist::monitor {

/// The monitor was killed in the middle of a request: adopt the container and ask again.
class MonitorLost : public Error {
public:
    using Error::Error;
};

class ControlClient {
public:
    /// `run_dir`: the container's. Nothing when no monitor listens (the container does not run, or its monitor was killed).
    static std::optional<ControlClient> connect(const Dir& run_dir);
    explicit ControlClient(Fd socket) : socket_(std::move(socket)) {}

    /// Called once, after 10 s of waiting ("still waiting for …").
    using Waiting = std::function<void()>;

    /// Returns when the exit is on disk; the container's exit code where the monitor says it. An interrupted caller has
    /// not called it off: the monitor goes on stopping.
    std::optional<int> stop(const StopRequest& request, const Waiting& waiting = {});
    /// The two halves of stop(), for who stops several.
    void ask_stop(const StopRequest& request);
    std::optional<int> wait_stopped(const Waiting& waiting);
    /// To the container's init.
    void signal(int number);
    void pause();
    void unpause();
    /// Paused until let_go(), or until this connection ends, whatever ends it. One that the user has paused stays so.
    void hold();
    void let_go();
    /// Of an initialized container: returns once its program runs, with what poststart hooks failed at, a line each.
    std::string start();
    /// To be attached by AttachSession::run(…, Greet::no) on this connection: on return the monitor has heard it.
    void ask_attach(std::uint8_t flags, const std::optional<WindowSize>& size);
    /// A health check now; waits for its end.
    struct Checked {
        int exit_code = 0;
        std::string health; ///< the container's, after it
    };
    Checked check_health();
    /// monitor.json was written anew.
    void reload();
    void connect_network(const netns::Attachment& attachment) {
        request(Packet::connect, format_attachment(attachment), {});
    }
    void disconnect_network(const std::string& network) { request(Packet::disconnect, network, {}); }
    void reload_network() { request(Packet::reload_network, {}, {}); }
    void use_name_servers(const std::vector<std::string>& servers) {
        request(Packet::name_servers, join(servers, " "), {});
    }
    /// False when the monitor does not answer in time.
    bool ping(std::chrono::milliseconds limit);
    /// The exit code. Throws MonitorLost.
    int wait_exit();

    /// Readable or hung up when the container has ended (and nothing was requested): for poll(2).
    int fd() const { return socket_.fd(); }
    /// To attach on this connection.
    Fd take_socket() && { return std::move(socket_).take(); }

private:
    /// Sends, and waits for `done` (nothing), `exited` (its code) or `failed` (thrown).
    std::optional<int> request(Packet type, std::string_view payload, const Waiting& waiting);
    std::optional<int> wait_answer(const Waiting& waiting);
    /// Views memory that the next call overwrites. Throws MonitorLost.
    PacketView next_packet();
    PacketSocket socket_;
};

} // namespace kist::monitor
