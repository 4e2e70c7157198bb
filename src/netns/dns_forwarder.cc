// SPDX-License-Identifier: Apache-2.0
#include "netns/dns_forwarder.hh"

#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "netns/address.hh"
#include "netns/dns_message.hh"

namespace kist::netns {

namespace {

constexpr std::size_t most_pending = 256;
constexpr auto patience = std::chrono::seconds(2); // with one server
constexpr int most_attempts = 4;

/// Connected to port 53 of `server`, or on its way there.
Fd connect_to(const std::string& server, bool by_tcp) {
    const auto address = Address::parse(server);
    if (!address) return {};
    Fd socket(::socket(address->family(), (by_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return {};
    sockaddr_in6 v6{};
    sockaddr_in v4{};
    v6.sin6_family = AF_INET6;
    v4.sin_family = AF_INET;
    v6.sin6_port = v4.sin_port = htons(53);
    if (address->is_v6()) std::memcpy(&v6.sin6_addr, address->bytes().data(), sizeof v6.sin6_addr);
    else std::memcpy(&v4.sin_addr, address->bytes().data(), sizeof v4.sin_addr);
    const auto* to = address->is_v6() ? reinterpret_cast<const sockaddr*>(&v6) : reinterpret_cast<const sockaddr*>(&v4);
    const socklen_t length = address->is_v6() ? sizeof v6 : sizeof v4;
    if (::connect(socket.get(), to, length) != 0 && errno != EINPROGRESS) return {};
    return socket;
}

} // namespace

struct DnsForwarder::Pending {
    std::string query; ///< with our id, and its length before it when it goes by TCP
    std::string id;    ///< the client's, two bytes
    std::string own_id;
    Answer answer;
    bool by_tcp = false, sent = false;
    int attempt = 0;
    Fd socket;
    EventLoop::TimerId timer = 0;
    std::string received; ///< of a TCP stream

    std::size_t id_at() const { return by_tcp ? 2 : 0; }
};

DnsForwarder::DnsForwarder(EventLoop& loop) : loop_(loop) {}

DnsForwarder::~DnsForwarder() {
    for (const auto& [id, pending] : pending_) let_go(*pending);
}

void DnsForwarder::ask(std::string query, bool by_tcp, Answer answer) {
    // A flood costs the flooder its oldest questions.
    if (pending_.size() >= most_pending) finish(pending_.begin()->first, "");
    auto pending = std::make_unique<Pending>();
    pending->id = query.substr(0, 2);
    pending->by_tcp = by_tcp;
    pending->answer = std::move(answer);
    if (by_tcp) {
        const std::uint16_t length = htons(static_cast<std::uint16_t>(query.size()));
        pending->query.assign(reinterpret_cast<const char*>(&length), sizeof length);
    }
    pending->query += query;
    const std::uint64_t id = next_++;
    Pending& placed = *pending_.emplace(id, std::move(pending)).first->second;
    placed.timer = loop_.after(std::chrono::nanoseconds(0), [this, id] { ask_next(id); });
}

void DnsForwarder::ask_next(std::uint64_t id) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return;
    Pending& pending = *found->second;
    let_go(pending);
    while (pending.attempt < most_attempts && !servers_.empty()) {
        const std::string& server = servers_[static_cast<std::size_t>(pending.attempt++) % servers_.size()];
        if (ask_server(id, pending, server)) return;
    }
    finish(id, "");
}

bool DnsForwarder::ask_server(std::uint64_t id, Pending& pending, const std::string& server) {
    // A socket, a port and an id for this one question: an answer from elsewhere cannot be guessed.
    pending.own_id.resize(2);
    if (::getrandom(pending.own_id.data(), 2, 0) != 2) return false;
    pending.query.replace(pending.id_at(), 2, pending.own_id);
    pending.received.clear();
    pending.sent = false;
    pending.socket = connect_to(server, pending.by_tcp);
    if (!pending.socket) return false;
    if (!pending.by_tcp) {
        if (::send(pending.socket.get(), pending.query.data(), pending.query.size(), MSG_DONTWAIT) < 0) {
            pending.socket.reset();
            return false;
        }
        pending.sent = true;
    }
    loop_.watch(pending.socket.get(), pending.sent ? EPOLLIN : EPOLLOUT,
                [this, id](std::uint32_t events) { on_event(id, events); });
    pending.timer = loop_.after(patience, [this, id] { ask_next(id); });
    return true;
}

void DnsForwarder::on_event(std::uint64_t id, std::uint32_t events) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return;
    Pending& pending = *found->second;
    if (!pending.sent) {
        // Connected. A question is far smaller than a socket's buffer: it goes whole.
        const auto sent =
            ::send(pending.socket.get(), pending.query.data(), pending.query.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if ((events & (EPOLLERR | EPOLLHUP)) != 0 || sent != static_cast<ssize_t>(pending.query.size()))
            return ask_next(id);
        pending.sent = true;
        return loop_.rearm(pending.socket.get(), EPOLLIN);
    }
    std::string message;
    if (!receive(pending, message)) return ask_next(id); // nobody listens there, or it hung up
    if (message.size() < dns_header_size || message.compare(0, 2, pending.own_id) != 0) return;
    finish(id, std::move(message));
}

/// False when the server is of no use. An empty message: there is more to come.
bool DnsForwarder::receive(Pending& pending, std::string& message) {
    char buffer[dns_message_limit];
    const auto got = ::recv(pending.socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    const std::string_view bytes(buffer, static_cast<std::size_t>(got));
    if (!pending.by_tcp) {
        message = bytes;
        return true;
    }
    if (got == 0) return false;
    pending.received += bytes;
    if (pending.received.size() < 2) return true;
    const std::size_t length =
        static_cast<unsigned char>(pending.received[0]) * 256u + static_cast<unsigned char>(pending.received[1]);
    if (pending.received.size() >= 2 + length) message = pending.received.substr(2, length);
    return true;
}

void DnsForwarder::let_go(Pending& pending) {
    loop_.cancel(pending.timer);
    if (pending.socket) loop_.unwatch(pending.socket.get());
    pending.socket.reset();
}

/// An empty message: nobody knew.
void DnsForwarder::finish(std::uint64_t id, std::string message) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return;
    const std::unique_ptr<Pending> pending = std::move(found->second);
    pending_.erase(found);
    let_go(*pending);
    if (message.empty())
        message = make_dns_error(std::string_view(pending->query).substr(pending->id_at()), DnsCode::server_failure);
    message.replace(0, 2, pending->id);
    pending->answer(message);
}

} // namespace kist::netns
