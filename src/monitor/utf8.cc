// SPDX-License-Identifier: Apache-2.0
#include "monitor/utf8.hh"

namespace kist::monitor {

namespace {

constexpr unsigned char byte_at(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }
constexpr bool is_continuation(unsigned char c) { return (c & 0xc0) == 0x80; }

/// How long the sequence is that this first byte promises; 0 for a byte that starts none.
constexpr std::size_t promised_length(unsigned char c) {
    if (c < 0x80) return 1;
    if (c >= 0xc2 && c < 0xe0) return 2;
    if (c >= 0xe0 && c < 0xf0) return 3;
    if (c >= 0xf0 && c < 0xf5) return 4;
    return 0;
}

} // namespace

std::size_t utf8_sequence(std::string_view text) {
    if (text.empty()) return 0;
    const unsigned char first = byte_at(text, 0);
    const std::size_t length = promised_length(first);
    if (length == 0 || length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if (!is_continuation(byte_at(text, i))) return 0;
    if (length < 3) return length;
    // Table 3-7 of the Unicode standard: the second byte decides about overlong forms, surrogates and the upper end.
    const unsigned char second = byte_at(text, 1);
    if (first == 0xe0 && second < 0xa0) return 0;
    if (first == 0xed && second > 0x9f) return 0;
    if (first == 0xf0 && second < 0x90) return 0;
    if (first == 0xf4 && second > 0x8f) return 0;
    return length;
}

std::size_t utf8_cut(std::string_view text) {
    for (std::size_t back = 1; back <= 3 && back < text.size(); ++back) {
        const unsigned char c = byte_at(text, text.size() - back);
        if (is_continuation(c)) continue;
        return promised_length(c) > back ? text.size() - back : text.size();
    }
    return text.size();
}

void append_utf8(std::string& to, char32_t c) {
    const auto put = [&](char32_t bits) { to += static_cast<char>(static_cast<unsigned char>(bits)); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xc0 | (c >> 6));
        put(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        put(0xe0 | (c >> 12));
        put(0x80 | ((c >> 6) & 0x3f));
        put(0x80 | (c & 0x3f));
    } else {
        put(0xf0 | (c >> 18));
        put(0x80 | ((c >> 12) & 0x3f));
        put(0x80 | ((c >> 6) & 0x3f));
        put(0x80 | (c & 0x3f));
    }
}

} // namespace kist::monitor
