// SPDX-License-Identifier: Apache-2.0
// Code points, and texts quoted as Go quotes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kist::cli {

inline constexpr char32_t replacement_character = 0xFFFD;

struct CodePoint {
    char32_t point;     ///< U+FFFD for an invalid byte
    std::size_t length; ///< bytes taken: 1 for an invalid byte, 0 only at the end of the text
    bool valid;
};
/// The first code point of `text`. Overlong forms, surrogates and values beyond U+10FFFF are
/// invalid.
CodePoint decode_utf8(std::string_view text);
/// Appends U+FFFD for what is no code point.
void append_utf8(std::string& to, char32_t point);
std::size_t count_code_points(std::string_view text);

/// Nearly Go's unicode.IsPrint: control, format, private and separator characters are not, except
/// U+0020.
bool is_printable(char32_t point);

/// "U+007D '}'", or only "U+0007" for one that does not print.
std::string unicode_name(char32_t point);
enum class Quoting { unicode, ascii };
/// In double quotes with Go's escapes: \n, \x00 for bytes, \u0000 for what does not print.
std::string go_quote(std::string_view text, Quoting = Quoting::unicode);
/// In single quotes.
std::string go_quote_character(char32_t point, Quoting = Quoting::unicode);

/// One escape of a quoted Go literal, `text` beginning after the backslash.
struct Escape {
    bool valid;
    bool is_byte; ///< \x and octal: one byte, not a code point
    char32_t value;
    std::size_t length; ///< taken from `text`
};
Escape read_escape(std::string_view text, char quote);

} // namespace kist::cli
