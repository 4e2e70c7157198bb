// SPDX-License-Identifier: Apache-2.0
#include "netns/name_server.hh"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/text.hh"
#include "netns/namespace.hh"
#include "netns/nftables.hh"

namespace kist::netns {

namespace {

constexpr std::size_t most_clients = 32;
constexpr int packets_at_once = 32;
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

struct NameServer::Zone {
    Zone(const std::string& run_root, const Attachment& attachment)
        : name(attachment.network.name),
          tells_names(attachment.network.names),
          links(attachment.links),
          leases(Dir::open(run_root), name) {}

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

    /// "web", or "web.front" for one in network front; the other names in lower case.
    bool calls(const Lease& lease, const std::string& asked) const {
        const auto is_asked = [&](const std::string& own) {
            const std::string lower = to_lower(own);
            return asked == lower || asked == lower + "." + name;
        };
        const auto is_link = [&](const auto& link) { return link.second == lease.container && is_asked(link.first); };
        return (tells_names && std::any_of(lease.names.begin(), lease.names.end(), is_asked)) ||
               std::any_of(links.begin(), links.end(), is_link);
    }

    std::string name;
    bool tells_names; ///< else its links only
    std::map<std::string, std::string> links;
    Leases leases;
    std::vector<Lease> known;
    timespec at{};
};

NameServer::NameServer(EventLoop& loop, const ContainerPlan& plan, const std::string& run_root, const Fd& space)
    : loop_(loop), run_root_(run_root), forwarder_(loop) {
    use(plan);
    listen(space);
    loop_.watch(udp_.get(), EPOLLIN, [this](std::uint32_t) { on_packets(); });
    loop_.watch(tcp_.get(), EPOLLIN, [this](std::uint32_t) { on_connection(); });
}

NameServer::~NameServer() {
    for (const auto& [id, client] : clients_) loop_.unwatch(client.fd.get());
    if (udp_) loop_.unwatch(udp_.get());
    if (tcp_) loop_.unwatch(tcp_.get());
}

void NameServer::use(const ContainerPlan& plan) {
    zones_.clear();
    bool forwards = false;
    for (const Attachment& attachment : plan.attachments) {
        forwards = forwards || !attachment.network.internal;
        if (attachment.network.names || !attachment.links.empty())
            zones_.push_back(std::make_unique<Zone>(run_root_, attachment));
    }
    forwarder_.use(forwards ? plan.name_servers : std::vector<std::string>{});
}

void NameServer::listen(const Fd& space) {
    const InNamespace inside(space);
    udp_ = Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    tcp_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const std::uint16_t udp_port = bind_to(udp_, name_server_address), tcp_port = bind_to(tcp_, name_server_address);
    if (::listen(tcp_.get(), 64) != 0) throw SysError("opening the name service at {}", name_server_address);
    lead_port_53(udp_port, tcp_port);
}

void NameServer::on_packets() {
    // Several at a time, so that a flood fills the socket's queue less; not for ever, the loop has other work.
    for (int n = 0; n < packets_at_once; ++n) {
        char buffer[4096];
        sockaddr_in client{};
        socklen_t size = sizeof client;
        const auto got = ::recvfrom(udp_.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&client), &size);
        if (got < 0) return;
        on_packet({buffer, static_cast<std::size_t>(got)}, client);
    }
}

void NameServer::on_packet(std::string_view query, const sockaddr_in& client) {
    const auto question = parse_dns_question(query);
    std::string reply;
    if (!question) reply = make_dns_error(query, DnsCode::format_error);
    else reply = answer_locally(query, *question, question->udp_size);
    const auto send_back = [this, client](std::string_view message) {
        (void)::sendto(udp_.get(), message.data(), message.size(), MSG_DONTWAIT,
                       reinterpret_cast<const sockaddr*>(&client), sizeof client);
    };
    if (!reply.empty()) send_back(reply);
    else if (question) forwarder_.ask(std::string(query), false, send_back);
}

std::string NameServer::answer_locally(std::string_view query, const DnsQuestion& question, std::size_t limit) {
    const auto answer = look_up(question);
    if (!answer) return "";
    return make_dns_reply(query, question, *answer, limit);
}

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
            if (reverse && asked && zone->tells_names && lease.address == *asked && !lease.names.empty())
                answer.names.push_back(lease.names.front() + "." + zone->name);
            if (reverse || !zone->calls(lease, question.name)) continue;
            known = true;
            answer.addresses.push_back(lease.address);
        }
    if (known || !answer.names.empty()) return answer;
    const bool ours = question.name.find('.') == std::string::npos && !question.name.empty();
    if (ours) return DnsAnswer{DnsCode::no_such_name, {}, {}, 0};
    if (!forwarder_.has_servers()) return DnsAnswer{DnsCode::refused, {}, {}, 0};
    return std::nullopt;
}

void NameServer::on_connection() {
    Fd fd(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) return;
    // Idle clients lock nobody out: the one that has been there longest goes.
    if (clients_.size() >= most_clients) drop_client(clients_.begin()->first);
    const std::uint64_t id = next_client_++;
    loop_.watch(fd.get(), EPOLLIN, [this, id](std::uint32_t) { on_stream(id); });
    clients_.emplace(id, Client{std::move(fd), {}});
}

void NameServer::drop_client(std::uint64_t id) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) return;
    loop_.unwatch(found->second.fd.get());
    clients_.erase(found);
}

void NameServer::send_to_client(std::uint64_t id, std::string_view message) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) return; // it did not wait
    const std::string framed = big_endian(static_cast<std::uint16_t>(message.size())) + std::string(message);
    if (::send(found->second.fd.get(), framed.data(), framed.size(), MSG_DONTWAIT | MSG_NOSIGNAL) !=
        static_cast<ssize_t>(framed.size()))
        drop_client(id);
}

void NameServer::on_stream(std::uint64_t id) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) return;
    char buffer[4096];
    const auto got = ::recv(found->second.fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return drop_client(id);
    if (got < 0) return;
    std::string bytes = std::exchange(found->second.bytes, {}) + std::string(buffer, static_cast<std::size_t>(got));
    while (bytes.size() >= 2) {
        const std::size_t length = static_cast<unsigned char>(bytes[0]) * 256u + static_cast<unsigned char>(bytes[1]);
        if (bytes.size() < 2 + length) break;
        const std::string query = bytes.substr(2, length);
        bytes.erase(0, 2 + length);
        const auto question = parse_dns_question(query);
        if (!question) return drop_client(id);
        const std::string reply = answer_locally(query, *question, dns_message_limit);
        if (reply.empty())
            forwarder_.ask(query, true, [this, id](std::string_view message) { send_to_client(id, message); });
        else send_to_client(id, reply);
    }
    if (const auto still = clients_.find(id); still != clients_.end()) still->second.bytes = std::move(bytes);
}

} // namespace kist::netns
