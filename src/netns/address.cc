// SPDX-License-Identifier: Apache-2.0
#include "netns/address.hh"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>

#include "base/error.hh"
#include "base/text.hh"

namespace kist::netns {

namespace {

/// ADDRESS/PREFIX.
std::optional<InterfaceAddress> parse_prefixed(std::string_view text) {
    const auto [left, right] = split_once(text, '/');
    const auto address = Address::parse(left);
    if (!address || !right) return std::nullopt;
    const auto prefix = parse_unsigned(*right, address->bits());
    if (!prefix) return std::nullopt;
    return InterfaceAddress{*address, static_cast<unsigned>(*prefix)};
}

} // namespace

std::optional<Address> Address::parse(std::string_view text) {
    const std::string terminated(text);
    Address address;
    if (inet_pton(AF_INET, terminated.c_str(), address.bytes_.data()) == 1) address.length_ = 4;
    else if (inet_pton(AF_INET6, terminated.c_str(), address.bytes_.data()) == 1) address.length_ = 16;
    if (!address.is_set() || terminated.size() != text.size() || text.find('\0') != text.npos) return std::nullopt;
    return address;
}

Address Address::from_bytes(std::string_view bytes) {
    Address address;
    if (bytes.size() != 4 && bytes.size() != 16) throw Error("an address of {} bytes", bytes.size());
    address.length_ = static_cast<std::uint8_t>(bytes.size());
    std::memcpy(address.bytes_.data(), bytes.data(), bytes.size());
    return address;
}

int Address::family() const { return is_v6() ? AF_INET6 : AF_INET; }

bool Address::is_any() const {
    return is_set() && std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool Address::is_loopback() const {
    if (length_ == 4) return bytes_[0] == 127;
    return is_v6() && bytes_[15] == 1 &&
           std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t b) { return b == 0; });
}

std::string Address::str() const {
    char text[INET6_ADDRSTRLEN] = {};
    if (!is_set() || inet_ntop(family(), bytes_.data(), text, sizeof text) == nullptr) return "";
    return text;
}

Address Address::plus(std::uint64_t count) const {
    Address sum = *this;
    for (int at = length_ - 1; at >= 0 && count != 0; --at) {
        const std::uint64_t digit = sum.bytes_[static_cast<std::size_t>(at)] + (count & 0xff);
        sum.bytes_[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(digit);
        count = (count >> 8) + (digit >> 8);
    }
    return sum;
}

Subnet::Subnet(const Address& address, unsigned prefix) : base_(address), prefix_(prefix) {
    for (unsigned bit = prefix; bit < address.bits(); ++bit)
        base_.bytes_[bit / 8] = static_cast<std::uint8_t>(base_.bytes_[bit / 8] & ~(0x80u >> (bit % 8)));
}

std::optional<Subnet> Subnet::parse(std::string_view text) {
    const auto parsed = parse_prefixed(text);
    if (!parsed) return std::nullopt;
    return Subnet(parsed->address, parsed->prefix);
}

bool Subnet::contains(const Address& address) const {
    return address.length_ == base_.length_ && Subnet(address, prefix_).base_ == base_;
}

bool Subnet::overlaps(const Subnet& other) const {
    if (base_.length_ != other.base_.length_) return false;
    return prefix_ <= other.prefix_ ? contains(other.base_) : other.contains(base_);
}

Address Subnet::last() const {
    Address address = base_;
    for (unsigned bit = prefix_; bit < address.bits(); ++bit)
        address.bytes_[bit / 8] = static_cast<std::uint8_t>(address.bytes_[bit / 8] | (0x80u >> (bit % 8)));
    return address;
}

std::uint64_t Subnet::size() const {
    const unsigned host_bits = base_.bits() - prefix_;
    return host_bits >= 64 ? UINT64_MAX : std::uint64_t{1} << host_bits;
}

Subnet Subnet::next() const { return {last().plus(1), prefix_}; }

std::string Subnet::str() const { return base_.is_set() ? fmt::format("{}/{}", base_.str(), prefix_) : ""; }

std::optional<InterfaceAddress> InterfaceAddress::parse(std::string_view text) { return parse_prefixed(text); }

std::string InterfaceAddress::str() const { return fmt::format("{}/{}", address.str(), prefix); }

std::optional<Mac> parse_mac(std::string_view text) {
    Mac mac{};
    if (text.size() != 17) return std::nullopt;
    for (std::size_t i = 0; i < 6; ++i) {
        unsigned value = 0;
        for (const char c : text.substr(i * 3, 2)) {
            const int digit = c >= '0' && c <= '9'   ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : -1;
            if (digit < 0) return std::nullopt;
            value = value * 16 + static_cast<unsigned>(digit);
        }
        mac[i] = static_cast<std::uint8_t>(value);
        if (i < 5 && text[i * 3 + 2] != ':' && text[i * 3 + 2] != '-') return std::nullopt;
    }
    // The lowest bit of the first byte marks a group; all zero is no address.
    if ((mac[0] & 1) != 0 || mac == Mac{}) return std::nullopt;
    return mac;
}

std::string mac_text(const Mac& mac) {
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

Mac mac_of(const Address& address) {
    Mac mac{0x02, 0x42};
    const std::string_view bytes = address.bytes();
    for (std::size_t i = 0; i < 4; ++i) mac[2 + i] = static_cast<std::uint8_t>(bytes[bytes.size() - 4 + i]);
    return mac;
}

} // namespace kist::netns
