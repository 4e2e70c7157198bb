// SPDX-License-Identifier: Apache-2.0
#include "netns/name_server.hh"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/text.hh"
#include "netns/namespace.hh"
#include "netns/nftables.hh"

namespace kist::netns {

namespace {

constexpr std::size_t most_pending = 256, most_clients = 32;
constexpr auto upstream_patience = std::chrono::seconds(2);
constexpr int most_attempts = 4;
constexpr std::uint32_t local_ttl = 0; // a container that is gone must not be found any more
constexpr std::string_view table = "kist_names";

sockaddr_in socket_address(const std::string& ip, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
    return address;
}

std::uint16_t bind_to(const Fd& fd, const std::string& ip) {
    sockaddr_in address = socket_address(ip, 0);
    socklen_t size = sizeof address;
    if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw SysError("opening the name service at {}", ip);
    return ntohs(address.sin_port);
}

std::string big_endian(std::uint16_t number) {
    const std::uint16_t big = htons(number);
    return {reinterpret_cast<const char*>(&big), sizeof big};
}

/// In the container's namespace: port 53 of our address is ours.
void lead_port_53(std::uint16_t udp_port, std::uint16_t tcp_port) {
    NetlinkSocket socket(NETLINK_NETFILTER);
    NftBatch old;
    old.delete_table(NFPROTO_IPV4, table);
    (void)old.commit(socket); // that of a monitor that was killed, if any
    NftBatch batch;
    batch.add_table(NFPROTO_IPV4, table, false);
    batch.add_chain(NFPROTO_IPV4, table, {"output", "nat", NF_INET_LOCAL_OUT, -100});
    const Address own = Address::parse(name_server_address).value();
    const std::string address(own.bytes());
    for (const auto& [protocol, port] : {std::pair{IPPROTO_UDP, udp_port}, {IPPROTO_TCP, tcp_port}})
        batch.add_rule(NFPROTO_IPV4, table, "output",
                       Rule()
                           .payload(NFT_PAYLOAD_NETWORK_HEADER, 16, 4, 0)
                           .equals(0, address)
                           .meta(NFT_META_L4PROTO, 0)
                           .equals(0, std::string(1, static_cast<char>(protocol)))
                           .payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, 0)
                           .equals(0, big_endian(53))
                           .load(0, address)
                           .load(1, big_endian(port))
                           .dnat(NFPROTO_IPV4, 0, 1));
    const auto failures = batch.commit(socket);
    if (!failures.empty())
        throw SysError(SysError::Code{failures.front().code}, "opening the name service: {}", failures.front().what);
}

} // namespace

struct NameServer::Pending {
    std::string query;
    std::uint16_t id = 0;     ///< the client's
    std::uint16_t own_id = 0; ///< ours
    sockaddr_in client{};
    int stream = -1; ///< a TCP client's descriptor
    int attempt = 0;
    Fd socket;
    EventLoop::TimerId timer = 0;
};

struct NameServer::Client {
    Fd fd;
    std::string bytes;
};

struct NameServer::Zone {
    Zone(const std::string& run_root, std::string network)
        : name(std::move(network)), leases(Dir::open(run_root), name) {}

    const std::vector<Lease>& current() {
        struct stat info {};
        const bool seen = ::fstat(leases.folder().fd().get(), &info) == 0;
        if (seen && info.st_mtim.tv_sec == at.tv_sec && info.st_mtim.tv_nsec == at.tv_nsec) return known;
        known = leases.all();
        // A further change within the clock tick of the last one would go unseen: it is looked at again until it is older.
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME, &now);
        const std::int64_t age =
            (now.tv_sec - info.st_mtim.tv_sec) * 1'000'000'000 + now.tv_nsec - info.st_mtim.tv_nsec;
        at = seen && age > 50'000'000 ? info.st_mtim : timespec{};
        return known;
    }

    std::string name;
    Leases leases;
    std::vector<Lease> known;
    timespec at{};
};

NameServer::NameServer(EventLoop& loop, const ContainerPlan& plan, const std::string& run_root, const Fd& space)
    : loop_(loop), run_root_(run_root) {
    use(plan);
    listen(space);
    loop_.watch(udp_.get(), EPOLLIN, [this](std::uint32_t) { on_packet(); });
    loop_.watch(tcp_.get(), EPOLLIN, [this](std::uint32_t) { on_connection(); });
}

NameServer::~NameServer() {
    for (const auto& [id, pending] : pending_) {
        if (pending->socket) loop_.unwatch(pending->socket.get());
        loop_.cancel(pending->timer);
    }
    for (const auto& [fd, client] : clients_) loop_.unwatch(fd);
    if (udp_) loop_.unwatch(udp_.get());
    if (tcp_) loop_.unwatch(tcp_.get());
}

void NameServer::use(const ContainerPlan& plan) {
    upstreams_ = plan.name_servers;
    zones_.clear();
    forwards_ = false;
    for (const Attachment& attachment : plan.attachments) {
        forwards_ = forwards_ || !attachment.network.internal;
        if (attachment.network.names) zones_.push_back(std::make_unique<Zone>(run_root_, attachment.network.name));
    }
}

void NameServer::listen(const Fd& space) {
    const InNamespace inside(space);
    udp_ = Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    tcp_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const std::uint16_t udp_port = bind_to(udp_, name_server_address), tcp_port = bind_to(tcp_, name_server_address);
    if (::listen(tcp_.get(), 64) != 0) throw SysError("opening the name service at {}", name_server_address);
    lead_port_53(udp_port, tcp_port);
}

void NameServer::on_packet() {
    char buffer[4096];
    sockaddr_in client{};
    socklen_t size = sizeof client;
    const auto got = ::recvfrom(udp_.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&client), &size);
    if (got <= 0) return;
    const std::string_view query(buffer, static_cast<std::size_t>(got));
    const auto question = parse_dns_question(query);
    std::string reply;
    if (!question) reply = make_dns_error(query, DnsCode::format_error);
    else reply = answer_locally(query, *question, question->udp_size);
    if (reply.empty() && question) return forward(std::string(query), *question, client, -1);
    if (!reply.empty())
        (void)::sendto(udp_.get(), reply.data(), reply.size(), MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&client),
                       size);
}

std::string NameServer::answer_locally(std::string_view query, const DnsQuestion& question, std::size_t limit) {
    const auto answer = look_up(question);
    if (!answer) return "";
    return make_dns_reply(query, question, *answer, limit);
}

namespace {

/// "web", or "web.front" for one in network front.
bool is_called(const Lease& lease, const std::string& network, const std::string& asked) {
    return std::any_of(lease.names.begin(), lease.names.end(), [&](const std::string& own) {
        const std::string name = to_lower(own);
        return asked == name || asked == name + "." + network;
    });
}

} // namespace

/// Nothing: not a name of ours, somebody else may know it. Names without a dot are never anybody else's.
std::optional<DnsAnswer> NameServer::look_up(const DnsQuestion& question) {
    DnsAnswer answer;
    answer.ttl = local_ttl;
    if (!question.internet) return DnsAnswer{DnsCode::refused, {}, {}, 0};
    const bool reverse = question.type == static_cast<std::uint16_t>(DnsType::ptr);
    const auto asked = reverse ? address_of_reverse(question.name) : std::nullopt;
    bool known = false;
    for (const auto& zone : zones_)
        for (const Lease& lease : zone->current()) {
            if (reverse && asked && lease.address == *asked && !lease.names.empty())
                answer.names.push_back(lease.names.front() + "." + zone->name);
            if (reverse || !is_called(lease, zone->name, question.name)) continue;
            known = true;
            answer.addresses.push_back(lease.address);
        }
    if (known || !answer.names.empty()) return answer;
    const bool ours = question.name.find('.') == std::string::npos && !question.name.empty();
    if (ours) return DnsAnswer{DnsCode::no_such_name, {}, {}, 0};
    if (!forwards_ || upstreams_.empty()) return DnsAnswer{DnsCode::refused, {}, {}, 0};
    return std::nullopt;
}

void NameServer::forward(std::string query, const DnsQuestion& question, const sockaddr_in& client, int stream) {
    // A flood costs the flooder its oldest questions.
    if (pending_.size() >= most_pending) give_up(pending_.begin()->first);
    auto pending = std::make_unique<Pending>();
    pending->query = std::move(query);
    pending->id = question.id;
    pending->client = client;
    pending->stream = stream;
    const std::uint64_t id = next_++;
    pending_.emplace(id, std::move(pending));
    ask_next(id);
}

void NameServer::ask_next(std::uint64_t id) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return;
    Pending& pending = *found->second;
    if (pending.socket) loop_.unwatch(pending.socket.get());
    pending.socket.reset();
    while (pending.attempt < most_attempts) {
        const std::string& upstream = upstreams_[static_cast<std::size_t>(pending.attempt++) % upstreams_.size()];
        const auto address = Address::parse(upstream);
        if (!address) continue;
        // A socket, a port and an id for this one question: an answer from elsewhere cannot be guessed.
        Fd socket(::socket(address->family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket) continue;
        int connected = -1;
        if (address->is_v6()) {
            sockaddr_in6 to{};
            to.sin6_family = AF_INET6;
            to.sin6_port = htons(53);
            std::memcpy(&to.sin6_addr, address->bytes().data(), sizeof to.sin6_addr);
            connected = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
        } else {
            const sockaddr_in to = socket_address(upstream, 53);
            connected = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
        }
        if (::getrandom(&pending.own_id, sizeof pending.own_id, 0) != sizeof pending.own_id) continue;
        std::memcpy(pending.query.data(), &pending.own_id, sizeof pending.own_id);
        if (connected != 0 || ::send(socket.get(), pending.query.data(), pending.query.size(), MSG_DONTWAIT) < 0)
            continue;
        pending.socket = std::move(socket);
        loop_.watch(pending.socket.get(), EPOLLIN, [this, id](std::uint32_t) { on_reply(id); });
        pending.timer = loop_.after(upstream_patience, [this, id] { ask_next(id); });
        return;
    }
    give_up(id);
}

void NameServer::on_reply(std::uint64_t id) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return;
    Pending& pending = *found->second;
    char buffer[4096];
    const auto got = ::recv(pending.socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && errno != EAGAIN && errno != EINTR) { // nobody listens there (ECONNREFUSED)
        loop_.cancel(pending.timer);
        return ask_next(id);
    }
    if (got < 12 || std::memcmp(buffer, &pending.own_id, sizeof pending.own_id) != 0) return;
    buffer[0] = static_cast<char>(pending.id >> 8);
    buffer[1] = static_cast<char>(pending.id & 0xff);
    reply(pending, {buffer, static_cast<std::size_t>(got)});
    loop_.cancel(pending.timer);
    loop_.unwatch(pending.socket.get());
    pending_.erase(found);
}

void NameServer::give_up(std::uint64_t id) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return;
    Pending& pending = *found->second;
    pending.query[0] = static_cast<char>(pending.id >> 8);
    pending.query[1] = static_cast<char>(pending.id & 0xff);
    reply(pending, make_dns_error(pending.query, DnsCode::server_failure));
    if (pending.socket) loop_.unwatch(pending.socket.get());
    loop_.cancel(pending.timer);
    pending_.erase(found);
}

void NameServer::reply(const Pending& pending, std::string_view message) {
    if (pending.stream == -2) return; // it has gone
    if (pending.stream < 0) {
        (void)::sendto(udp_.get(), message.data(), message.size(), MSG_DONTWAIT,
                       reinterpret_cast<const sockaddr*>(&pending.client), sizeof pending.client);
        return;
    }
    if (!clients_.contains(pending.stream)) return;
    const std::string framed = big_endian(static_cast<std::uint16_t>(message.size())) + std::string(message);
    if (::send(pending.stream, framed.data(), framed.size(), MSG_DONTWAIT | MSG_NOSIGNAL) !=
        static_cast<ssize_t>(framed.size()))
        drop_client(pending.stream);
}

void NameServer::on_connection() {
    const int fd = ::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    // Idle clients lock nobody out: the one that has been there longest goes.
    if (clients_.size() >= most_clients) drop_client(clients_.begin()->first);
    auto client = std::make_unique<Client>();
    client->fd = Fd(fd);
    clients_[fd] = std::move(client);
    loop_.watch(fd, EPOLLIN, [this, fd](std::uint32_t) { on_stream(fd); });
}

void NameServer::drop_client(int fd) {
    loop_.unwatch(fd);
    clients_.erase(fd);
    // A descriptor of that number may be another client's soon.
    for (const auto& [id, pending] : pending_)
        if (pending->stream == fd) pending->stream = -2;
}

void NameServer::on_stream(int fd) {
    const auto found = clients_.find(fd);
    if (found == clients_.end()) return;
    char buffer[4096];
    const auto got = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return drop_client(fd);
    if (got < 0) return;
    std::string& bytes = found->second->bytes;
    bytes.append(buffer, static_cast<std::size_t>(got));
    while (bytes.size() >= 2) {
        const std::size_t length = static_cast<unsigned char>(bytes[0]) * 256u + static_cast<unsigned char>(bytes[1]);
        if (bytes.size() < 2 + length) break;
        const std::string query = bytes.substr(2, length);
        bytes.erase(0, 2 + length);
        const auto question = parse_dns_question(query);
        if (!question) return drop_client(fd);
        const std::string reply = answer_locally(query, *question, dns_message_limit);
        if (reply.empty()) {
            forward(query, *question, {}, fd);
            if (!clients_.contains(fd)) return;
            continue;
        }
        const std::string framed = big_endian(static_cast<std::uint16_t>(reply.size())) + reply;
        if (::send(fd, framed.data(), framed.size(), MSG_DONTWAIT | MSG_NOSIGNAL) !=
            static_cast<ssize_t>(framed.size()))
            return drop_client(fd);
    }
}

} // namespace kist::netns
