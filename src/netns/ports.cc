// SPDX-License-Identifier: Apache-2.0
#include "netns/ports.hh"

#include <cstring>
#include <optional>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "netns/address.hh"

namespace kist::netns {

namespace {

union SocketAddress {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
};

SocketAddress socket_address(const std::optional<Address>& host, bool v6, std::uint16_t port) {
    SocketAddress address{};
    if (v6) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(port);
        if (host) std::memcpy(&address.v6.sin6_addr, host->bytes().data(), sizeof address.v6.sin6_addr);
    } else {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(port);
        if (host) std::memcpy(&address.v4.sin_addr, host->bytes().data(), sizeof address.v4.sin_addr);
    }
    return address;
}

/// A container with a thousand ports has as many descriptors here; the soft limit of 1024 is not meant for us.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

Fd open_socket(const PortMapping& mapping, bool v6) {
    const int kind = mapping.protocol == "udp" ? SOCK_DGRAM : SOCK_STREAM;
    const int protocol = mapping.protocol == "sctp" ? IPPROTO_SCTP : 0;
    const auto open = [&] { return ::socket(v6 ? AF_INET6 : AF_INET, kind | SOCK_CLOEXEC, protocol); };
    Fd fd(open());
    if (!fd && errno == EMFILE) {
        raise_descriptor_limit();
        fd = Fd(open());
    }
    // Without the module for SCTP nobody on this host can take an SCTP port.
    if (!fd && errno != EPROTONOSUPPORT && errno != EAFNOSUPPORT)
        throw SysError("opening a socket for port {}/{}", mapping.host_port, mapping.protocol);
    const int on = 1;
    if (fd && v6) (void)::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    return fd;
}

/// Binds one port and returns its number (chosen by the kernel for 0).
std::uint16_t reserve(const PortMapping& mapping, std::uint16_t port, const std::optional<Address>& host, bool v6,
                      std::vector<Fd>& held) {
    Fd fd = open_socket(mapping, v6);
    if (!fd) return port;
    SocketAddress address = socket_address(host, v6, port);
    const socklen_t length = v6 ? sizeof address.v6 : sizeof address.v4;
    if (::bind(fd.get(), &address.any, length) != 0) {
        if (errno == EADDRINUSE) throw PortTaken(mapping, port);
        SysError error("publishing port {}", host_side(mapping, v6));
        if (error.code == EADDRNOTAVAIL) error.with_hint("the host has no address " + mapping.host_ip);
        throw error;
    }
    if (port == 0) {
        socklen_t size = sizeof address;
        if (::getsockname(fd.get(), &address.any, &size) != 0) throw SysError("asking for the number of a port");
        port = ntohs(v6 ? address.v6.sin6_port : address.v4.sin_port);
    }
    held.push_back(std::move(fd));
    return port;
}

constexpr int attempts = 64; // a port that is free for one family may be taken for the other

void reserve_mapping(PortMapping& mapping, Families families, std::vector<Fd>& held) {
    const auto host = Address::parse(mapping.host_ip);
    const bool v4 = families.v4 && (!host || !host->is_v6());
    const bool v6 = families.v6 && (!host || host->is_v6());
    const bool choose = mapping.host_port == 0;
    const std::uint16_t until = std::exchange(mapping.host_until, std::uint16_t{0});
    for (int attempt = 0;; ++attempt) {
        const std::size_t before = held.size();
        try {
            for (std::uint16_t i = 0; i < mapping.count; ++i) {
                auto port = static_cast<std::uint16_t>(choose ? 0 : mapping.host_port + i);
                if (v4) port = reserve(mapping, port, host, false, held);
                if (v6) port = reserve(mapping, port, host, true, held);
                if (choose) mapping.host_port = port;
            }
            return;
        } catch (const PortTaken&) {
            held.resize(before);
            if (mapping.host_port < until) {
                ++mapping.host_port;
                continue;
            }
            if (!choose || attempt == attempts) throw;
            mapping.host_port = 0;
        }
    }
}

} // namespace

PortTaken::PortTaken(const PortMapping& mapping, std::uint16_t taken)
    : Error("publishing port {}/{}: port {} is already in use", host_side(mapping), mapping.protocol, taken) {}

std::string host_side(const PortMapping& mapping, bool v6) {
    std::string host = mapping.host_ip.empty() ? (v6 ? "[::]" : "0.0.0.0") : mapping.host_ip;
    if (host.find(':') != std::string::npos && host.front() != '[') host = "[" + host + "]";
    std::string text = fmt::format("{}:{}", host, mapping.host_port);
    if (mapping.count > 1) text += fmt::format("-{}", mapping.host_port + mapping.count - 1);
    return text;
}

std::vector<Fd> reserve_ports(std::vector<PortMapping>& ports, Families families) {
    std::vector<Fd> held;
    for (PortMapping& mapping : ports) reserve_mapping(mapping, families, held);
    return held;
}

} // namespace kist::netns
