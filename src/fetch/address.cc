// SPDX-License-Identifier: Apache-2.0
// Looks at the address that a connection is about to be made to, whatever name it had.
#include "fetch/address.hh"

#include <cstdint>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace kist::fetch {
namespace {

Reach reach_of_v4(std::uint32_t address) {
    const std::uint32_t first = address >> 24;
    if (first == 127) return Reach::loopback;
    return first == 0 || first >= 224 || address >> 16 == (169u << 8 | 254) ? Reach::link : Reach::world;
}

} // namespace

Reach reach_of(const sockaddr& address) {
    if (address.sa_family == AF_INET) {
        sockaddr_in v4;
        std::memcpy(&v4, &address, sizeof v4);
        return reach_of_v4(ntohl(v4.sin_addr.s_addr));
    }
    if (address.sa_family != AF_INET6) return Reach::link; // a Unix socket
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof v6);
    const in6_addr& ip = v6.sin6_addr;
    if (IN6_IS_ADDR_LOOPBACK(&ip)) return Reach::loopback;
    if (IN6_IS_ADDR_V4MAPPED(&ip) || IN6_IS_ADDR_V4COMPAT(&ip)) {
        std::uint32_t v4;
        std::memcpy(&v4, ip.s6_addr + 12, sizeof v4);
        return reach_of_v4(ntohl(v4));
    }
    return IN6_IS_ADDR_UNSPECIFIED(&ip) || IN6_IS_ADDR_LINKLOCAL(&ip) || IN6_IS_ADDR_MULTICAST(&ip) ? Reach::link
                                                                                                    : Reach::world;
}

std::optional<Reach> reach_of_literal(const std::string& host) {
    if (host == "localhost") return Reach::loopback;
    union {
        sockaddr any;
        sockaddr_in v4;
        sockaddr_in6 v6;
    } address{};
    address.v4.sin_family = AF_INET;
    if (::inet_pton(AF_INET, host.c_str(), &address.v4.sin_addr) == 1) return reach_of(address.any);
    address = {};
    address.v6.sin6_family = AF_INET6;
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    const std::string bare = bracketed ? host.substr(1, host.size() - 2) : host;
    if (::inet_pton(AF_INET6, bare.c_str(), &address.v6.sin6_addr) == 1) return reach_of(address.any);
    return std::nullopt;
}

bool is_loopback_name(std::string_view host) {
    return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

} // namespace kist::fetch
