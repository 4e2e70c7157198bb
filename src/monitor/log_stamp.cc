// SPDX-License-Identifier: Apache-2.0
#include "monitor/log_stamp.hh"

#include <array>
#include <cstdint>

namespace kist::monitor {

namespace {

/// In the order of ASCII.
constexpr std::string_view digits = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
constexpr unsigned bits = 6;

constexpr std::array<std::int8_t, 256> make_values() {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (std::size_t n = 0; n < digits.size(); ++n)
        values[static_cast<unsigned char>(digits[n])] = static_cast<std::int8_t>(n);
    return values;
}
constexpr std::array<std::int8_t, 256> values = make_values();

} // namespace

std::string pack_stamp(Moment moment) {
    auto rest = static_cast<std::uint64_t>(moment.ns);
    std::string stamp(stamp_size, digits.front());
    for (std::size_t n = stamp_size; n-- > 0; rest >>= bits) stamp[n] = digits[rest & (digits.size() - 1)];
    return stamp;
}

std::optional<Moment> unpack_stamp(std::string_view stamp) {
    if (stamp.size() != stamp_size) return std::nullopt;
    std::uint64_t ns = 0;
    for (const char c : stamp) {
        const std::int8_t value = values[static_cast<unsigned char>(c)];
        // 11 digits hold two bits more than 64.
        if (value < 0 || ns >> (64 - bits) != 0) return std::nullopt;
        ns = ns << bits | static_cast<std::uint64_t>(value);
    }
    return Moment{static_cast<std::int64_t>(ns)};
}

} // namespace kist::monitor
