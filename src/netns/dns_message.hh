// SPDX-License-Identifier: Apache-2.0
// The few DNS messages that a container's name service understands and makes itself (RFC 1035, 3596, 6891). Everything
// else is passed on as it came. No system calls; bytes from a container are read here: tests/fuzz/dns_fuzz.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "netns/address.hh"

namespace kist::netns {

enum class DnsType : std::uint16_t { a = 1, ptr = 12, aaaa = 28, any = 255 };
enum class DnsCode : std::uint8_t { no_error = 0, format_error = 1, server_failure = 2, no_such_name = 3, refused = 5 };

inline constexpr std::size_t dns_udp_size = 512; ///< what every client takes
inline constexpr std::size_t dns_message_limit = 65535;
inline constexpr std::size_t dns_header_size = 12;

struct DnsQuestion {
    std::uint16_t id = 0;
    std::string name; ///< lower case, without the last dot; "" is the root
    std::uint16_t type = 0;
    bool internet = true; ///< class IN
    std::size_t end = 0;  ///< where the question ends in the message
    std::size_t udp_size = dns_udp_size;
    bool edns = false;
    bool recursion_desired = false;
};
/// Nothing unless it is a standard query with one question.
std::optional<DnsQuestion> parse_dns_question(std::string_view message);

struct DnsAnswer {
    DnsCode code = DnsCode::no_error;
    std::vector<Address> addresses; ///< those of the type asked for are told
    std::vector<std::string> names; ///< for PTR
    std::uint32_t ttl = 0;
};
/// The reply to `query`, of which `question` was parsed. Cut, with the mark for it, to `limit` bytes.
std::string make_dns_reply(std::string_view query, const DnsQuestion& question, const DnsAnswer& answer,
                           std::size_t limit);
/// A reply that says only a code, to a query that could not be parsed further than its header; empty if not even that.
std::string make_dns_error(std::string_view query, DnsCode code);

/// "2.0.207.10.in-addr.arpa", "….ip6.arpa".
std::optional<Address> address_of_reverse(std::string_view name);

} // namespace kist::netns
