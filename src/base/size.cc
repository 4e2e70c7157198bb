// SPDX-License-Identifier: Apache-2.0
// The rules of docker's go-units, which its users' eyes and scripts are used to.
#include "base/size.hh"

#include <array>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "base/text.hh"

namespace kist {

namespace {

/// The multiplier of "", "b", "k", "kb", "kib" … in any case.
std::optional<std::int64_t> multiplier(std::string_view suffix) {
    if (suffix.empty()) return 1;
    const std::string unit = to_lower(suffix);
    if (unit == "b") return 1;
    const auto power = std::string_view("kmgtp").find(unit.front());
    const std::string_view rest = std::string_view(unit).substr(1);
    if (power == std::string_view::npos || !(rest.empty() || rest == "b" || rest == "ib")) return std::nullopt;
    return std::int64_t{1} << (10 * (power + 1));
}

std::string human(double size, double base, int digits, std::span<const std::string_view> units) {
    std::size_t unit = 0;
    const auto last = units.size() - 1;
    for (; size >= base && unit < last; ++unit) size /= base;
    std::string text = fmt::format("{:.{}g}", size, digits);
    // With 3 digits 999.9kB would become "1e+03kB".
    if (text.find('e') != std::string::npos && unit < last) {
        ++unit;
        text = fmt::format("{:.{}g}", size / base, digits);
    }
    return text.append(units[unit]);
}

} // namespace

std::optional<std::int64_t> parse_bytes(std::string_view text) {
    const auto last_digit = text.find_last_of("0123456789.");
    if (last_digit == std::string_view::npos) return std::nullopt;
    std::string_view number = text.substr(0, last_digit + 1);
    std::string_view suffix = text.substr(last_digit + 1);
    if (suffix.starts_with(' ')) suffix.remove_prefix(1);
    const auto unit = multiplier(suffix);
    if (!unit) return std::nullopt;

    const auto dot = number.find('.');
    const std::string_view fraction = dot == std::string_view::npos ? "" : number.substr(dot + 1);
    number = number.substr(0, dot);
    if (number.empty() && fraction.empty()) return std::nullopt;
    const auto whole = number.empty() ? std::optional<std::uint64_t>(0)
                                      : parse_unsigned(number, static_cast<std::uint64_t>(INT64_MAX / *unit));
    if (!whole) return std::nullopt;
    double part = 0;
    double weight = static_cast<double>(*unit);
    for (const char digit : fraction) {
        if (digit < '0' || digit > '9') return std::nullopt;
        weight /= 10;
        part += (digit - '0') * weight;
    }
    // A sum like 0.1 + 0.2 may end just below the whole number that was meant.
    const auto extra = static_cast<std::int64_t>(part + 1e-6);
    const std::int64_t bytes = static_cast<std::int64_t>(*whole) * *unit;
    if (bytes > INT64_MAX - extra) return std::nullopt;
    return bytes + extra;
}

std::string human_size(double bytes, int digits) {
    constexpr auto units = std::to_array<std::string_view>({"B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"});
    return human(bytes, 1000, digits, units);
}

std::string human_bytes_binary(double bytes) {
    constexpr auto units =
        std::to_array<std::string_view>({"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"});
    return human(bytes, 1024, 4, units);
}

} // namespace kist
