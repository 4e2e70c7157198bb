// SPDX-License-Identifier: Apache-2.0
#include "cli/help_layout.hh"

#include <algorithm>
#include <utility>

#include "base/text.hh"

namespace kist::cli {
namespace {

constexpr std::size_t columns = 80;
/// A left part wider than this has its explanation on the next line.
constexpr std::size_t widest_left = 30;

} // namespace

std::string wrapped(std::string_view text, std::size_t indent) {
    std::string result, line;
    for (const std::string& word : split(text, ' ')) {
        if (!line.empty() && indent + display_width(line) + 1 + display_width(word) > columns) {
            result += line + "\n" + std::string(indent, ' ');
            line.clear();
        }
        line += (line.empty() ? "" : " ") + word;
    }
    return result + line;
}

std::string two_columns(const Rows& rows) {
    std::size_t width = 0;
    for (const auto& [left, right] : rows)
        if (display_width(left) <= widest_left) width = std::max(width, display_width(left));
    const std::size_t indent = 2 + width + 2;
    std::string text;
    for (const auto& [left, right] : rows) {
        text += "  " + left;
        if (display_width(left) > width) text += "\n" + std::string(indent, ' ');
        else text += std::string(indent - 2 - display_width(left), ' ');
        text += wrapped(right, indent) + "\n";
    }
    return text;
}

namespace {

/// "-t, --time, --timeout SECONDS"
std::string spelled(const OptionFacts& option) {
    std::string text = option.letter() != '\0' ? std::string("-") + option.letter() + ", " : "    ";
    std::string separator;
    for (const std::string& name : split(option.long_names(), ',')) {
        text += std::exchange(separator, ", ") + "--" + name;
    }
    if (!option.value.empty()) text += " " + std::string(option.value);
    return text;
}

} // namespace

std::string options_help(std::span<const OptionFacts> options, bool has_own_h) {
    Rows rows;
    for (const OptionFacts& option : options) rows.emplace_back(spelled(option), std::string(option.help));
    rows.emplace_back(has_own_h ? "    --help" : "-h, --help", "Print this help");
    return two_columns(rows);
}

} // namespace kist::cli
