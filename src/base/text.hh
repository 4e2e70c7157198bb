// SPDX-License-Identifier: Apache-2.0
// Small text work that several folders need.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kist {

/// "a,b,,c" gives {"a","b","","c"}; an empty text gives {}.
std::vector<std::string> split(std::string_view text, char separator);
/// "k=v=w" gives {"k","v=w"}; without the separator the second is nothing.
std::pair<std::string, std::optional<std::string>> split_once(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
bool starts_with_no_case(std::string_view text, std::string_view prefix);

/// Whole-string decimal, range-checked, no sign, no blanks (SECURITY P14).
std::optional<std::uint64_t> parse_unsigned(std::string_view text, std::uint64_t max = UINT64_MAX);
std::optional<std::int64_t> parse_signed(std::string_view text);
/// Whole-string octal, as umask and modes are written ("0027", "27").
std::optional<std::uint32_t> parse_octal(std::string_view text, std::uint32_t max = 07777);

/// The candidates nearest to `word` by edit distance (at most 2, or a third of its length), best first, at most 3.
std::vector<std::string> nearest(std::string_view word, std::span<const std::string> candidates);
/// "'a'" / "'a' or 'b'" / "'a', 'b' or 'c'"
std::string quoted_choice(const std::vector<std::string>& words);

/// Cuts to `width` characters (code points) with "…" as the last one, as Docker's tables do.
std::string ellipsis(std::string_view text, std::size_t width);
/// Display width in columns of UTF-8 text; invalid bytes count one each.
std::size_t display_width(std::string_view text);
/// The code point at `at`, which moves behind it; nothing (and one byte further) where the text is no well-formed UTF-8.
std::optional<char32_t> next_code_point(std::string_view text, std::size_t& at);
/// True for well-formed UTF-8.
bool is_utf8(std::string_view text);
/// For messages about untrusted text: control characters and invalid bytes as \xNN, at most 200 characters.
std::string printable(std::string_view text);
/// fnmatch-like match of Docker's name filters is a regular expression search; this is the shell glob (*, ?, [..]).
bool glob_match(std::string_view pattern, std::string_view text);

/// Columns padded to their widest cell plus 3 blanks, as Docker prints them; the last column is not padded.
class TextTable {
public:
    explicit TextTable(std::vector<std::string> headings) { rows_.push_back(std::move(headings)); }
    void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    std::string str() const;

private:
    std::vector<std::vector<std::string>> rows_;
};

} // namespace kist
