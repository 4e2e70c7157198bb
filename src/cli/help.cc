// SPDX-License-Identifier: Apache-2.0
// Lays out the tables as help.
#include "cli/help.hh"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.hh"

namespace kist::cli {
namespace {

constexpr std::size_t columns = 80;
/// A left part wider than this has its explanation on the next line.
constexpr std::size_t widest_left = 30;

/// Words that fit, each line but the first indented. A word longer than a line stands alone.
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

using Rows = std::vector<std::pair<std::string, std::string>>;

std::string two_columns(const Rows& rows) {
    std::size_t width = 0;
    for (const auto& [left, right] : rows)
        if (display_width(left) <= widest_left) width = std::max(width, display_width(left));
    const std::size_t indent = 2 + width + 2;
    std::string text;
    for (const auto& [left, right] : rows) {
        text += "  " + left;
        if (display_width(left) > width)
            text += "\n" + std::string(indent, ' ');
        else
            text += std::string(indent - 2 - display_width(left), ' ');
        text += wrapped(right, indent) + "\n";
    }
    return text;
}

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

std::string options_help(std::span<const OptionFacts> options, bool has_own_h) {
    Rows rows;
    for (const OptionFacts& option : options) rows.emplace_back(spelled(option), std::string(option.help));
    rows.emplace_back(has_own_h ? "    --help" : "-h, --help", "Print this help");
    return two_columns(rows);
}

bool is_below(const Command& command, const Noun& noun) {
    return command.path.starts_with(noun.name) && command.path.size() > noun.name.size() &&
           command.path[noun.name.size()] == ' ';
}

} // namespace

std::string usage_line(const Command& command) {
    std::string text = "kist " + std::string(command.name());
    if (!command.options.empty()) text += " [OPTIONS]";
    if (!command.usage.empty()) text += " " + std::string(command.usage);
    return text;
}

std::string command_help(const Command& command) {
    std::string text = wrapped("Usage:  " + usage_line(command), 8) + "\n\n" + wrapped(command.summary, 0) + "\n\n";
    std::vector<std::string> spellings;
    if (!command.shortcut.empty()) spellings.emplace_back(command.path);
    for (const std::string& alias : split(command.alias, ',')) spellings.push_back(alias);
    std::erase(spellings, std::string(command.name()));
    if (!spellings.empty()) {
        for (std::string& spelling : spellings) spelling.insert(0, "kist ");
        text += "Also:\n  " + wrapped(join(spellings, ", "), 2) + "\n\n";
    }
    const bool has_own_h =
        std::any_of(command.options.begin(), command.options.end(), [](const auto& o) { return o.letter() == 'h'; });
    return text + "Options:\n" + options_help(command.options, has_own_h);
}

std::string noun_help(const Noun& noun) {
    Rows rows;
    for (const Command* command : commands())
        if (is_below(*command, noun))
            rows.emplace_back(command->path.substr(noun.name.size() + 1), command->summary);
    std::sort(rows.begin(), rows.end());
    const std::string name(noun.name);
    return "Usage:  kist " + name + " COMMAND\n\n" + std::string(noun.summary) + "\n\nCommands:\n" + two_columns(rows) +
           "\nRun 'kist " + name + " COMMAND --help' for more about a command.\n";
}

std::string general_help() {
    std::string text = "Usage:  kist [OPTIONS] COMMAND\n\nRuns containers without a daemon\n";
    const std::pair<Section, std::string_view> sections[] = {
        {Section::container, "Containers"}, {Section::image, "Images"}, {Section::system, "System"}};
    for (const auto& [section, heading] : sections) {
        Rows rows;
        for (const Command* command : commands())
            if (command->section == section) rows.emplace_back(command->name(), command->summary);
        text += "\n" + std::string(heading) + ":\n" + two_columns(rows);
    }
    return text + "\nOptions:\n" + options_help(global_options(), false) +
           "\nRun 'kist COMMAND --help' for more about a command, 'man kist-COMMAND' for its\nmanual page.\n";
}

} // namespace kist::cli
