// SPDX-License-Identifier: Apache-2.0
// Go's syntax of literals: 42, 0x2A, 0o52, 052, 0b101, 1_000, 1.5, 1e3, 0x1p4, 'a', "a\n", `a`.

#include "cli/format/constants.hh"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "cli/format/utf8.hh"

namespace kist::cli {
namespace {

bool is_letter(char c, char lower) { return (c | 0x20) == lower; }

/// The digits without their underscores; nothing when one does not stand between digits (or after
/// the base prefix).
std::optional<std::string> without_underscores(std::string_view digits, bool prefixed) {
    std::string plain;
    char before = prefixed ? '0' : '\0';
    for (char c : digits) {
        bool alphanumeric = (c >= '0' && c <= '9') || is_letter(c, 'a') || (c | 0x20) > 'a';
        if (c == '_') {
            if (before == '_' || before == '\0' || before == '.') return std::nullopt;
        } else {
            if (before == '_' && !alphanumeric) return std::nullopt;
            plain += c;
        }
        before = c;
    }
    if (before == '_') return std::nullopt;
    return plain;
}

struct Literal {
    bool negative = false;
    int base = 10;
    std::string digits;
    bool old_octal = false; ///< 0 and digits: decimal after all when it turns out to be 08.5
};

std::optional<Literal> split_number(std::string_view text) {
    Literal literal;
    if (text.starts_with('+') || text.starts_with('-')) {
        literal.negative = text[0] == '-';
        text.remove_prefix(1);
    }
    bool prefixed = false;
    if (text.size() > 1 && text[0] == '0') {
        char letter = static_cast<char>(text[1] | 0x20);
        prefixed = letter == 'x' || letter == 'o' || letter == 'b';
        if (prefixed) literal.base = letter == 'x' ? 16 : letter == 'o' ? 8 : 2;
        if (text[1] == '_' || (text[1] >= '0' && text[1] <= '9')) literal.old_octal = true;
    }
    if (prefixed) text.remove_prefix(2);
    std::optional<std::string> digits = without_underscores(text, prefixed);
    if (!digits || digits->empty()) return std::nullopt;
    literal.digits = std::move(*digits);
    return literal;
}

enum class Outcome { value, malformed, overflow };

Outcome read_integer(const Literal& literal, std::int64_t& to) {
    std::uint64_t magnitude = 0;
    const char* end = literal.digits.data() + literal.digits.size();
    auto [stop, error] = std::from_chars(literal.digits.data(), end, magnitude, literal.old_octal ? 8 : literal.base);
    if (stop != end || error == std::errc::invalid_argument) return Outcome::malformed;
    constexpr std::uint64_t limit = std::numeric_limits<std::int64_t>::max();
    if (error != std::errc() || magnitude > limit + (literal.negative ? 1 : 0)) return Outcome::overflow;
    to = static_cast<std::int64_t>(literal.negative ? 0 - magnitude : magnitude);
    return Outcome::value;
}

Outcome read_float(const Literal& literal, double& to) {
    if (literal.base != 10 && literal.base != 16) return Outcome::malformed;
    bool whole = literal.digits.find_first_not_of("0123456789") == std::string::npos;
    if (literal.old_octal && whole) return Outcome::malformed;
    bool hexadecimal = literal.base == 16;
    if (hexadecimal && literal.digits.find_first_of("pP") == std::string::npos) return Outcome::malformed;
    std::string digits = literal.digits;
    if (std::size_t sign = digits.find('+'); sign != std::string::npos) digits.erase(sign, 1);
    const char* end = digits.data() + digits.size();
    auto [stop, error] =
        std::from_chars(digits.data(), end, to, hexadecimal ? std::chars_format::hex : std::chars_format::general);
    if (stop != end || error == std::errc::invalid_argument || !std::isfinite(to)) return Outcome::malformed;
    if (error != std::errc()) return Outcome::overflow;
    if (literal.negative) to = -to;
    return Outcome::value;
}

Constant number(std::string_view text) {
    Constant bad{.value = {}, .problem = "bad number syntax: " + go_quote(text)};
    std::optional<Literal> literal = split_number(text);
    if (!literal) return bad;
    std::int64_t integer = 0;
    Outcome outcome = read_integer(*literal, integer);
    if (outcome == Outcome::value) return {.value = integer, .problem = {}};
    if (outcome == Outcome::overflow) return {.value = {}, .problem = "integer overflow: " + go_quote(text)};
    if (text.ends_with('i')) return {.value = {}, .problem = "complex numbers are not supported"};
    double value = 0;
    switch (read_float(*literal, value)) {
    case Outcome::value: return {.value = value, .problem = {}};
    case Outcome::overflow: return {.value = {}, .problem = "number out of range: " + go_quote(text)};
    case Outcome::malformed: break;
    }
    return bad;
}

/// The text between the quotes with its escapes undone; nothing when one is wrong.
std::optional<std::string> unquote(std::string_view text, char quote) {
    std::string result;
    while (!text.empty()) {
        if (text[0] != '\\') {
            result += text[0];
            text.remove_prefix(1);
            continue;
        }
        Escape escape = read_escape(text.substr(1), quote);
        if (!escape.valid) return std::nullopt;
        if (escape.is_byte) result += static_cast<char>(escape.value);
        else append_utf8(result, escape.value);
        text.remove_prefix(1 + escape.length);
    }
    return result;
}

Constant character(std::string_view text) {
    Constant bad{.value = {}, .problem = "malformed character constant: " + std::string(text)};
    std::string_view inner = text.substr(1, text.size() - 2);
    if (inner.starts_with('\\')) {
        Escape escape = read_escape(inner.substr(1), '\'');
        if (!escape.valid || escape.length + 1 != inner.size()) return bad;
        return {.value = static_cast<std::int64_t>(escape.value), .problem = {}};
    }
    CodePoint only = decode_utf8(inner);
    if (!only.valid || only.length != inner.size()) return bad;
    return {.value = static_cast<std::int64_t>(only.point), .problem = {}};
}

} // namespace

Constant read_constant(const Token& token) {
    switch (token.kind) {
    case TokenKind::number: return number(token.text);
    case TokenKind::character: return character(token.text);
    case TokenKind::raw_string: return {.value = token.text.substr(1, token.text.size() - 2), .problem = {}};
    default: break;
    }
    std::optional<std::string> text = unquote(token.text.substr(1, token.text.size() - 2), '"');
    if (!text) return {.value = {}, .problem = "invalid syntax in quoted string: " + std::string(token.text)};
    return {.value = std::move(*text), .problem = {}};
}

} // namespace kist::cli
