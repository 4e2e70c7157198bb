// SPDX-License-Identifier: Apache-2.0
// IP addresses and subnets as numbers: parsing, printing, counting. No system calls.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kist::netns {

/// An IPv4 or IPv6 address, in network byte order.
class Address {
public:
    Address() = default; ///< none
    /// "10.88.0.2", "fd00::2"; no brackets, no zone.
    static std::optional<Address> parse(std::string_view text);
    /// 4 or 16 bytes.
    static Address from_bytes(std::string_view bytes);

    bool is_v6() const { return length_ == 16; }
    bool is_set() const { return length_ != 0; }
    bool is_loopback() const;
    /// 0.0.0.0 or ::
    bool is_any() const;
    int family() const; ///< AF_INET or AF_INET6
    unsigned bits() const { return length_ * 8u; }
    std::string_view bytes() const { return {reinterpret_cast<const char*>(bytes_.data()), length_}; }
    std::string str() const;
    /// The address `count` further on; wraps around at the end of the address space.
    Address plus(std::uint64_t count) const;

    auto operator<=>(const Address&) const = default;

private:
    std::uint8_t length_ = 0;
    std::array<std::uint8_t, 16> bytes_{};
    friend class Subnet;
};

/// "10.88.0.0/16": a network, host bits zero.
class Subnet {
public:
    Subnet() = default;
    /// Host bits may be set in the text; they are cleared. Nothing when it is no ADDRESS/PREFIX.
    static std::optional<Subnet> parse(std::string_view text);
    Subnet(const Address& address, unsigned prefix);

    const Address& base() const { return base_; }
    unsigned prefix() const { return prefix_; }
    bool contains(const Address& address) const;
    bool overlaps(const Subnet& other) const;
    Address last() const;
    /// How many addresses there are, as far as 64 bits count.
    std::uint64_t size() const;
    /// The next subnet of the same size.
    Subnet next() const;
    std::string str() const;
    bool operator==(const Subnet&) const = default;

private:
    Address base_;
    unsigned prefix_ = 0;
};

/// "10.88.0.1/16" with its host bits, as bip and interface addresses are written.
struct InterfaceAddress {
    Address address;
    unsigned prefix = 0;
    static std::optional<InterfaceAddress> parse(std::string_view text);
    Subnet subnet() const { return {address, prefix}; }
    std::string str() const;
    bool operator==(const InterfaceAddress&) const = default;
};

/// Six bytes of a hardware address.
using Mac = std::array<std::uint8_t, 6>;
/// "02:42:0a:58:00:02"; not the broadcast or a group address.
std::optional<Mac> parse_mac(std::string_view text);
std::string mac_text(const Mac& mac);
/// 02:42 and the IPv4 address, as Docker derives it: a neighbour's cache stays right when an address is used again.
Mac mac_of(const Address& address);

} // namespace kist::netns
