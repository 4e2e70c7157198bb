// SPDX-License-Identifier: Apache-2.0
// Splitting, strict numbers, UTF-8, suggestions, tables.
#include "base/text.hh"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

#include <fmt/format.h>

namespace kist {

namespace {
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

template <typename T>
std::optional<T> whole_number(std::string_view text, int base = 10) {
    T n{};
    const char* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, n, base);
    if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
    return n;
}
} // namespace

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    if (text.empty()) return parts;
    for (;;) {
        const auto at = text.find(separator);
        parts.emplace_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

std::pair<std::string, std::optional<std::string>> split_once(std::string_view text, char separator) {
    const auto at = text.find(separator);
    if (at == std::string_view::npos) return {std::string(text), std::nullopt};
    return {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
    std::string out;
    for (const std::string& part : parts) {
        if (&part != &parts.front()) out += separator;
        out += part;
    }
    return out;
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n\v\f";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string to_lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), lower);
    return out;
}

std::string to_upper(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), upper);
    return out;
}

bool starts_with_no_case(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() && std::ranges::equal(text.substr(0, prefix.size()), prefix, {}, lower, lower);
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text, std::uint64_t max) {
    const auto n = whole_number<std::uint64_t>(text); // from_chars takes no sign for unsigned types
    return n && *n <= max ? n : std::nullopt;
}

std::optional<std::int64_t> parse_signed(std::string_view text) { return whole_number<std::int64_t>(text); }

std::optional<std::uint32_t> parse_octal(std::string_view text, std::uint32_t max) {
    const auto n = whole_number<std::uint32_t>(text, 8);
    return n && *n <= max ? n : std::nullopt;
}

namespace {
/// Edits that turn a into b: insertion, deletion, replacement.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}
} // namespace

std::vector<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
    // A word that would have to change entirely is no suggestion ("ps" for "rm").
    const std::size_t limit = std::min(std::max<std::size_t>(2, word.size() / 3), word.empty() ? 0 : word.size() - 1);
    std::vector<std::pair<std::size_t, std::string>> found;
    for (const std::string& candidate : candidates) {
        if (candidate.size() > word.size() + limit || word.size() > candidate.size() + limit) continue;
        const std::size_t distance = edit_distance(word, candidate);
        if (distance <= limit) found.emplace_back(distance, candidate);
    }
    std::ranges::stable_sort(found, {}, &std::pair<std::size_t, std::string>::first);
    std::vector<std::string> best;
    for (auto& [distance, candidate] : found)
        if (best.size() < 3 && std::ranges::find(best, candidate) == best.end()) best.push_back(std::move(candidate));
    return best;
}

std::string quoted_choice(const std::vector<std::string>& words) {
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
        out += "'" + words[i] + "'";
    }
    return out;
}

std::optional<char32_t> next_code_point(std::string_view text, std::size_t& at) {
    const auto byte = [&](std::size_t i) -> unsigned { return static_cast<unsigned char>(text[i]); };
    const unsigned first = byte(at++);
    if (first < 0x80) return first;
    const std::size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || at + more > text.size()) return std::nullopt;
    char32_t c = first & (0x3fu >> more);
    for (std::size_t i = 0; i < more; ++i) {
        if ((byte(at + i) & 0xc0) != 0x80) return std::nullopt;
        c = c << 6 | (byte(at + i) & 0x3f);
    }
    constexpr std::array<char32_t, 4> smallest = {0, 0x80, 0x800, 0x10000};
    if (c < smallest[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return std::nullopt;
    at += more;
    return c;
}

std::string ellipsis(std::string_view text, std::size_t width) {
    std::size_t count = 0;
    std::size_t cut = 0; // where the text ends if "…" must follow
    for (std::size_t at = 0; at < text.size(); ++count) {
        if (count + 1 == width) cut = at;
        if (count == width) return width == 0 ? "" : std::string(text.substr(0, cut)) + "…";
        next_code_point(text, at);
    }
    return std::string(text);
}

namespace {
struct Range {
    char32_t first, last;
};
// Characters that take no column of their own, and those that take two (East Asian Wide and Fullwidth, emoji), by the
// blocks of Unicode 15: tables of names need no more precision than that.
constexpr auto zero_width = std::to_array<Range>({{0x300, 0x36f},
                                                  {0x483, 0x489},
                                                  {0x591, 0x5bd},
                                                  {0x610, 0x61a},
                                                  {0x64b, 0x65f},
                                                  {0x6d6, 0x6dc},
                                                  {0x200b, 0x200f},
                                                  {0x202a, 0x202e},
                                                  {0x2060, 0x2064},
                                                  {0x1ab0, 0x1aff},
                                                  {0x1dc0, 0x1dff},
                                                  {0x20d0, 0x20ff},
                                                  {0xfe00, 0xfe0f},
                                                  {0xfe20, 0xfe2f},
                                                  {0xfeff, 0xfeff},
                                                  {0xe0100, 0xe01ef}});
constexpr auto two_columns = std::to_array<Range>(
    {{0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},  {0x2614, 0x2615}, {0x2648, 0x2653},
     {0x26a1, 0x26a1},   {0x2705, 0x2705},   {0x270a, 0x270b},   {0x2728, 0x2728},  {0x274c, 0x274c}, {0x2753, 0x2755},
     {0x2795, 0x2797},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},  {0x4e00, 0x9fff}, {0xa000, 0xa4cf},
     {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},  {0xff00, 0xff60}, {0xffe0, 0xffe6},
     {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}});
bool is_in(char32_t c, std::span<const Range> ranges) {
    return std::ranges::any_of(ranges, [c](Range r) { return c >= r.first && c <= r.last; });
}
} // namespace

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto c = next_code_point(text, at);
        if (!c || *c < 0x300) ++width;
        else if (!is_in(*c, zero_width)) width += is_in(*c, two_columns) ? 2 : 1;
    }
    return width;
}

bool is_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();)
        if (!next_code_point(text, at)) return false;
    return true;
}

std::string printable(std::string_view text) {
    constexpr std::size_t most = 200;
    std::string out;
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size(); ++count) {
        if (count == most) return out + "…";
        const std::size_t start = at;
        const auto c = next_code_point(text, at);
        const bool is_control = c && (*c < 0x20 || (*c >= 0x7f && *c < 0xa0));
        if (c && !is_control) {
            out += text.substr(start, at - start);
            continue;
        }
        for (std::size_t i = start; i < at; ++i) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
    }
    return out;
}

namespace {
/// One element of a glob against one character; `at` moves behind the element.
bool match_one(std::string_view pattern, std::size_t& at, char c) {
    const char p = pattern[at++];
    if (p == '?') return true;
    if (p == '\\' && at < pattern.size()) return pattern[at++] == c;
    if (p != '[') return p == c;
    std::size_t i = at;
    const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
    if (negated) ++i;
    bool found = false;
    for (bool first = true; i < pattern.size() && (first || pattern[i] != ']'); first = false) {
        const char low = pattern[i++];
        char high = low;
        if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
            high = pattern[i + 1];
            i += 2;
        }
        found = found || (low <= c && c <= high);
    }
    if (i >= pattern.size()) return c == '['; // never closed: an ordinary character
    at = i + 1;
    return found != negated;
}
} // namespace

bool glob_match(std::string_view pattern, std::string_view text) {
    constexpr auto none = std::string_view::npos;
    std::size_t p = 0, t = 0;
    std::size_t star = none, star_text = 0; // where to go on when what follows the last '*' fails
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = ++p;
            star_text = t;
            continue;
        }
        if (p < pattern.size() && match_one(pattern, p, text[t])) {
            ++t;
            continue;
        }
        if (star == none) return false;
        p = star;
        t = ++star_text;
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

std::string TextTable::str() const {
    constexpr std::size_t gap = 3;
    std::vector<std::size_t> widths;
    for (const auto& row : rows_) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
    }
    std::string out;
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            out += row[i];
            if (i + 1 < row.size()) out.append(widths[i] + gap - display_width(row[i]), ' ');
        }
        out += '\n';
    }
    return out;
}

} // namespace kist
