// SPDX-License-Identifier: Apache-2.0
#include "monitor/server.hh"

#include <cerrno>
#include <chrono>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/socket.hh"

namespace kist::monitor {

namespace {
/// How long an attached client may leave its socket full before the container no longer waits for it.
constexpr auto client_patience = std::chrono::seconds(10);
constexpr auto descriptor_pause = std::chrono::seconds(1);
constexpr int packets_per_turn = 8;
} // namespace

Server::Server(EventLoop& loop, Events events) : loop_(loop), events_(std::move(events)), scratch_(max_packet) {}

Server::~Server() {
    for (const auto& [id, client] : clients_) loop_.unwatch(client.socket.get());
    if (listener_) loop_.unwatch(listener_.get());
}

void Server::listen(const Dir& run) {
    listener_ = listen_unix(run, std::string(control_socket));
    loop_.watch(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept(); });
}

void Server::stop_listening(const Dir& run) {
    if (!listener_) return;
    run.remove_file(std::string(control_socket));
    // Who connected just now is told of the end as the others are.
    accept();
    loop_.unwatch(listener_.get());
    listener_.reset();
}

void Server::accept() {
    for (;;) {
        Fd socket{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
        if (!socket && errno == ECONNABORTED) continue;
        if (!socket && errno != EAGAIN && errno != EINTR) {
            // No descriptor left: the client waits, and we are not woken for it all the time.
            loop_.rearm(listener_.get(), 0);
            loop_.after(descriptor_pause, [this] {
                if (listener_) loop_.rearm(listener_.get(), EPOLLIN);
            });
        }
        if (!socket) return;
        ucred peer{};
        socklen_t size = sizeof peer;
        // The folder is 0700; this is the second lock on the same door (P16).
        if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != ::geteuid()) continue;
        add(std::move(socket), Patience::limited);
    }
}

ClientId Server::add(Fd socket, Patience patience) {
    const ClientId id = next_id_++;
    const int fd = socket.get();
    Client& client = clients_[id];
    client.socket = std::move(socket);
    client.patience = patience;
    loop_.watch(fd, EPOLLIN, [this, id](std::uint32_t events) { on_event(id, events); });
    return id;
}

void Server::on_event(ClientId id, std::uint32_t events) {
    if ((events & EPOLLOUT) != 0) flush(id, clients_.at(id));
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        for (int n = 0; n < packets_per_turn && receive(id); ++n) continue;
}

bool Server::receive(ClientId id) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) return false;
    const ssize_t n = ::recv(found->second.socket.get(), scratch_.data(), scratch_.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (n <= 0) {
        remove(id);
        return false;
    }
    scratch_.touched(static_cast<std::size_t>(n));
    const auto packet = parse_packet({scratch_.data(), static_cast<std::size_t>(n)});
    if (!found->second.dismissed) events_.on_packet(id, *packet);
    scratch_.release();
    return true;
}

void Server::remove(ClientId id) {
    Client& client = clients_.at(id);
    const std::uint8_t flags = client.flags;
    drop_queue(client);
    loop_.unwatch(client.socket.get());
    clients_.erase(id);
    events_.on_gone(id, flags);
    made_room();
}

void Server::attach(ClientId id, std::uint8_t flags) {
    Client& client = clients_.at(id);
    client.flags = flags;
    client.attached = true;
}

bool Server::is_attached(ClientId id) const {
    const auto found = clients_.find(id);
    return found != clients_.end() && found->second.attached;
}

bool Server::has_watchers(AttachFlag flag) const {
    for (const auto& [id, client] : clients_)
        if ((client.flags & flag) != 0) return true;
    return false;
}

void Server::send(ClientId id, Packet type, std::string_view payload) {
    const auto found = clients_.find(id);
    if (found != clients_.end() && !found->second.dismissed) send_bytes(id, found->second, make_packet(type, payload));
}

void Server::send_all(Packet type, std::string_view payload) {
    for (auto& [id, client] : clients_)
        if (!client.dismissed) send_bytes(id, client, make_packet(type, payload));
}

void Server::broadcast(AttachFlag flag, std::string_view packet) {
    for (auto& [id, client] : clients_)
        if ((client.flags & flag) != 0) send_bytes(id, client, packet);
}

Server::Sent Server::try_send(const Client& client, std::string_view packet) const {
    for (;;) {
        if (::send(client.socket.get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
            return Sent::yes;
        if (errno == EINTR) continue;
        // ENOBUFS, ENOMEM: the kernel is short of memory for the packet; as if the socket were full.
        return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ? Sent::full : Sent::failed;
    }
}

void Server::send_bytes(ClientId id, Client& client, std::string_view packet) {
    if (client.dead) return;
    if (client.queue.empty()) {
        const Sent sent = try_send(client, packet);
        if (sent == Sent::failed) client.dead = true;
        if (sent != Sent::full) return;
        loop_.rearm(client.socket.get(), EPOLLIN | EPOLLOUT);
        set_deadline(id, client);
    }
    client.queue.emplace_back(packet);
}

void Server::set_deadline(ClientId id, Client& client) {
    if (client.deadline) loop_.cancel(*std::exchange(client.deadline, std::nullopt));
    if (client.patience == Patience::unlimited || client.dismissed) return;
    client.deadline = loop_.after(client_patience, [this, id] {
        clients_.at(id).deadline.reset();
        dismiss(id, Error("no output was taken for {} s: detached, so that the container can go on",
                          client_patience.count()));
    });
}

void Server::flush(ClientId id, Client& client) {
    while (!client.queue.empty()) {
        const Sent sent = try_send(client, client.queue.front());
        if (sent == Sent::full) return;
        client.queue.pop_front();
        if (sent == Sent::failed) {
            client.dead = true;
            client.queue.clear();
        }
        set_deadline(id, client); // it reads: its time starts again
    }
    drop_queue(client);
    made_room();
}

void Server::drop_queue(Client& client) {
    if (client.deadline) loop_.cancel(*std::exchange(client.deadline, std::nullopt));
    client.queue.clear();
    loop_.rearm(client.socket.get(), EPOLLIN);
}

bool Server::is_blocked() const {
    for (const auto& [id, client] : clients_)
        if (!client.queue.empty() && !client.dismissed) return true;
    return false;
}

void Server::made_room() {
    if (is_blocked()) return;
    events_.on_room();
    if (flushed_) std::exchange(flushed_, nullptr)();
}

void Server::dismiss(ClientId id, const Error& reason) {
    Client& client = clients_.at(id);
    drop_queue(client);
    client.flags = 0;
    send_bytes(id, client, make_packet(Packet::failed, format_failure(reason)));
    client.dismissed = true;
    if (client.deadline) loop_.cancel(*std::exchange(client.deadline, std::nullopt));
    made_room();
}

void Server::when_flushed(std::function<void()> done) {
    if (!is_blocked()) return done();
    flushed_ = std::move(done);
}

} // namespace kist::monitor
