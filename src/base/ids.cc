// SPDX-License-Identifier: Apache-2.0
// The grammars of identifiers, and fresh ones from the kernel's random source.
#include "base/ids.hh"

#include <algorithm>
#include <cerrno>

#include <sys/random.h>

#include "base/error.hh"

namespace kist {

namespace {
constexpr std::size_t hex_length = 64;
constexpr std::string_view sha256_prefix = "sha256:";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name_part(char c) { return is_name_start(c) || c == '_' || c == '.' || c == '-'; }
} // namespace

bool is_lower_hex(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

std::optional<ContainerId> ContainerId::parse(std::string_view text) {
    if (text.size() != hex_length || !is_lower_hex(text)) return std::nullopt;
    ContainerId id;
    id.text_ = text;
    return id;
}

ContainerId ContainerId::random() {
    ContainerId id;
    do {
        id.text_ = random_hex(hex_length / 2);
    } while (std::ranges::all_of(id.text_.substr(0, 12), is_digit));
    return id;
}

std::optional<Digest> Digest::parse(std::string_view text) {
    if (!text.starts_with(sha256_prefix)) return std::nullopt;
    return from_hex(text.substr(sha256_prefix.size()));
}

std::optional<Digest> Digest::from_hex(std::string_view hex) {
    if (hex.size() != hex_length || !is_lower_hex(hex)) return std::nullopt;
    Digest digest;
    digest.text_.append(sha256_prefix).append(hex);
    return digest;
}

bool is_valid_name(std::string_view name) {
    return !name.empty() && name.size() <= 253 && is_name_start(name.front()) &&
           std::ranges::all_of(name, is_name_part);
}

std::string random_hex(std::size_t count) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string bytes(count, '\0');
    for (std::size_t done = 0; done < count;) {
        const ssize_t n = ::getrandom(bytes.data() + done, count - done, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw SysError("reading random bytes");
        done += static_cast<std::size_t>(n);
    }
    std::string hex;
    hex.reserve(2 * count);
    for (const char c : bytes) {
        hex += digits[static_cast<unsigned char>(c) >> 4];
        hex += digits[static_cast<unsigned char>(c) & 15];
    }
    return hex;
}

} // namespace kist
