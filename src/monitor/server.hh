// SPDX-License-Identifier: Apache-2.0
// The monitor's end of its clients' connections: who they are, what they want to see, and what is still to be sent to them.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/event_loop.hh"
#include "base/fd.hh"
#include "base/file.hh"
#include "monitor/page_buffer.hh"
#include "monitor/protocol.hh"

namespace kist::monitor {

using ClientId = std::uint64_t;

class Server {
public:
    struct Events {
        std::function<void(ClientId, const PacketView&)> on_packet;
        /// Its end, whatever the reason; `flags` as it had attached.
        std::function<void(ClientId, std::uint8_t flags)> on_gone;
        /// Nobody is_blocked() (any more).
        std::function<void()> on_room;
    };
    /// A patient client may stop reading for as long as it lives.
    enum class Patience { unlimited, limited };

    Server(EventLoop& loop, Events events);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    /// Makes the control socket in `run`.
    void listen(const Dir& run);
    void stop_listening(const Dir& run);
    ClientId add(Fd socket, Patience patience);
    /// Handles what this client has sent so far; false when there was nothing or it is gone.
    bool receive(ClientId id);

    void attach(ClientId id, std::uint8_t flags);
    bool is_attached(ClientId id) const;
    /// At once, or behind what is queued.
    void send(ClientId id, Packet type, std::string_view payload = {});
    void send_all(Packet type, std::string_view payload);
    /// To those attached with `flag`. `packet` has its type in front.
    void broadcast(AttachFlag flag, std::string_view packet);
    bool has_watchers(AttachFlag flag) const;
    /// Some client's socket is full: what is read now from the container would have to be kept in memory.
    bool is_blocked() const;
    /// Tells it why, and takes nothing more from it.
    void dismiss(ClientId id, const Error& reason);
    /// Calls `done` as soon as nothing is queued for anybody; clients without patience have their time for it.
    void when_flushed(std::function<void()> done);

private:
    struct Client {
        Fd socket;
        Patience patience = Patience::limited;
        std::uint8_t flags = 0;
        bool attached = false;
        bool dismissed = false;
        bool dead = false; ///< sending failed; its hang-up is on its way
        std::deque<std::string> queue;
        std::optional<EventLoop::TimerId> deadline;
    };
    void accept();
    void on_event(ClientId id, std::uint32_t events);
    void send_bytes(ClientId id, Client& client, std::string_view packet);
    enum class Sent { yes, full, failed };
    Sent try_send(const Client& client, std::string_view packet) const;
    void flush(ClientId id, Client& client);
    void set_deadline(ClientId id, Client& client);
    void drop_queue(Client& client);
    void made_room();
    void remove(ClientId id);

    EventLoop& loop_;
    Events events_;
    Fd listener_;
    std::map<ClientId, Client> clients_;
    ClientId next_id_ = 1;
    PageBuffer scratch_;
    std::function<void()> flushed_;
};

} // namespace kist::monitor
