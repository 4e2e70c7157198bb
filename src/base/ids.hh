// SPDX-License-Identifier: Apache-2.0
// Identifiers by strict grammar (SECURITY P8, P20): what becomes a file name is checked here, once.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace kist {

bool is_lower_hex(std::string_view text);

/// 64 lower-case hex digits.
class ContainerId {
public:
    ContainerId() = default; ///< empty: no container
    static std::optional<ContainerId> parse(std::string_view text);
    /// From the kernel's random source; never all digits in its first 12 characters (it would read as a number).
    static ContainerId random();
    const std::string& str() const { return text_; }
    std::string short_id() const { return text_.substr(0, 12); }
    bool empty() const { return text_.empty(); }
    auto operator<=>(const ContainerId&) const = default;

private:
    std::string text_;
};

/// "sha256:" and 64 lower-case hex digits; no other algorithm is accepted.
class Digest {
public:
    Digest() = default; ///< empty: no digest
    static std::optional<Digest> parse(std::string_view text);
    /// From 64 hex digits without the algorithm.
    static std::optional<Digest> from_hex(std::string_view hex);
    /// "sha256:<hex>"
    const std::string& str() const { return text_; }
    /// The 64 hex digits: the file name below content/sha256, images/, layers/.
    std::string hex() const { return text_.empty() ? std::string() : text_.substr(7); }
    std::string short_id() const { return text_.empty() ? std::string() : text_.substr(7, 12); }
    bool empty() const { return text_.empty(); }
    auto operator<=>(const Digest&) const = default;

private:
    std::string text_;
};

/// [a-zA-Z0-9][a-zA-Z0-9_.-]*, 1 to 253 characters: container, volume and network names.
bool is_valid_name(std::string_view name);

/// `count` random bytes from getrandom(2), as lower-case hex.
std::string random_hex(std::size_t count);

} // namespace kist
