// SPDX-License-Identifier: Apache-2.0
// UTF-8 and Go's quoting. Without tables of the Unicode standard: what does not print is a short
// list of ranges.

#include "cli/format/utf8.hh"

#include <array>

#include <fmt/format.h>

namespace kist::cli {
namespace {

constexpr char32_t last_code_point = 0x10FFFF;

bool is_surrogate(char32_t point) { return point >= 0xD800 && point <= 0xDFFF; }

void append_quoted(std::string& to, char32_t point, char quote, Quoting quoting) {
    if (point == static_cast<unsigned char>(quote) || point == '\\') {
        to += '\\';
        to += static_cast<char>(point);
        return;
    }
    if (is_printable(point) && (quoting == Quoting::unicode || point < 0x80)) return append_utf8(to, point);
    constexpr std::string_view names = "abtnvfr"; // U+0007 to U+000D, with b at U+0008
    if (point >= 7 && point <= 13) {
        to += '\\';
        to += names[point - 7];
    } else if (point < 0x20 || point == 0x7F) {
        to += fmt::format("\\x{:02x}", static_cast<unsigned>(point));
    } else if (point < 0x10000) {
        to += fmt::format("\\u{:04x}", static_cast<unsigned>(point));
    } else {
        to += fmt::format("\\U{:08x}", static_cast<unsigned>(point));
    }
}

int digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 99;
}

Escape numeric_escape(std::string_view text, std::size_t skip, std::size_t digits, int base) {
    if (text.size() < skip + digits) return {};
    char32_t value = 0;
    for (char c : text.substr(skip, digits)) {
        int digit = digit_value(c);
        if (digit >= base) return {};
        value = value * static_cast<char32_t>(base) + static_cast<char32_t>(digit);
    }
    bool is_byte = digits <= 3;
    if (is_byte ? value > 0xFF : value > last_code_point || is_surrogate(value)) return {};
    return {true, is_byte, value, skip + digits};
}

} // namespace

CodePoint decode_utf8(std::string_view text) {
    if (text.empty()) return {replacement_character, 0, false};
    const CodePoint invalid{replacement_character, 1, false};
    auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    unsigned char first = byte(0);
    if (first < 0x80) return {first, 1, true};
    std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return invalid;
    char32_t point = first & (0x7Fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return invalid;
        point = point << 6 | (byte(i) & 0x3F);
    }
    constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    if (point < least[length] || point > last_code_point || is_surrogate(point)) return invalid;
    return {point, length, true};
}

void append_utf8(std::string& to, char32_t point) {
    if (point > last_code_point || is_surrogate(point)) point = replacement_character;
    auto tail = [&](int shift) { to += static_cast<char>(0x80 | (point >> shift & 0x3F)); };
    if (point < 0x80) {
        to += static_cast<char>(point);
    } else if (point < 0x800) {
        to += static_cast<char>(0xC0 | point >> 6);
        tail(0);
    } else if (point < 0x10000) {
        to += static_cast<char>(0xE0 | point >> 12);
        tail(6);
        tail(0);
    } else {
        to += static_cast<char>(0xF0 | point >> 18);
        tail(12);
        tail(6);
        tail(0);
    }
}

std::size_t count_code_points(std::string_view text) {
    std::size_t count = 0;
    for (; !text.empty(); ++count) text.remove_prefix(decode_utf8(text).length);
    return count;
}

bool is_printable(char32_t point) {
    struct Range {
        char32_t first, last;
    };
    static constexpr std::array<Range, 13> hidden{{{0x00, 0x1F},
                                                   {0x7F, 0xA0},
                                                   {0xAD, 0xAD},
                                                   {0x061C, 0x061C},
                                                   {0x1680, 0x1680},
                                                   {0x180E, 0x180E},
                                                   {0x2000, 0x200F},
                                                   {0x2028, 0x202F},
                                                   {0x205F, 0x206F},
                                                   {0x3000, 0x3000},
                                                   {0xD800, 0xF8FF},
                                                   {0xFEFF, 0xFEFF},
                                                   {0xFFF0, 0xFFFB}}};
    for (const Range& range : hidden)
        if (point >= range.first && point <= range.last) return false;
    return point <= last_code_point && (point & 0xFFFE) != 0xFFFE && !(point >= 0xE0000 && point <= 0xE00FF) &&
           point < 0xF0000;
}

std::string unicode_name(char32_t point) {
    std::string name = fmt::format("U+{:04X}", static_cast<unsigned>(point));
    if (is_printable(point)) {
        name += " '";
        append_utf8(name, point);
        name += '\'';
    }
    return name;
}

std::string go_quote(std::string_view text, Quoting quoting) {
    std::string quoted = "\"";
    while (!text.empty()) {
        CodePoint next = decode_utf8(text);
        if (next.valid) append_quoted(quoted, next.point, '"', quoting);
        else quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
        text.remove_prefix(next.length);
    }
    return quoted + '"';
}

std::string go_quote_character(char32_t point, Quoting quoting) {
    if (point > last_code_point || is_surrogate(point)) point = replacement_character;
    std::string quoted = "'";
    append_quoted(quoted, point, '\'', quoting);
    return quoted + '\'';
}

Escape read_escape(std::string_view text, char quote) {
    if (text.empty()) return {};
    auto simple = [](char32_t value) { return Escape{true, false, value, 1}; };
    char c = text[0];
    if (c == '\\' || c == quote) return simple(static_cast<unsigned char>(c));
    switch (c) {
    case 'a': return simple('\a');
    case 'b': return simple('\b');
    case 'f': return simple('\f');
    case 'n': return simple('\n');
    case 'r': return simple('\r');
    case 't': return simple('\t');
    case 'v': return simple('\v');
    case 'x': return numeric_escape(text, 1, 2, 16);
    case 'u': return numeric_escape(text, 1, 4, 16);
    case 'U': return numeric_escape(text, 1, 8, 16);
    default: return numeric_escape(text, 0, 3, 8);
    }
}

} // namespace kist::cli
