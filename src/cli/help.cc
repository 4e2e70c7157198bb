// SPDX-License-Identifier: Apache-2.0
// Lays out the tables as help.
#include "cli/help.hh"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.hh"
#include "cli/help_layout.hh"

namespace kist::cli {
namespace {

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
        if (is_below(*command, noun)) rows.emplace_back(command->path.substr(noun.name.size() + 1), command->summary);
    std::sort(rows.begin(), rows.end());
    const std::string name(noun.name);
    return "Usage:  kist " + name + " COMMAND\n\n" + std::string(noun.summary) + "\n\nCommands:\n" + two_columns(rows) +
           "\nRun 'kist " + name + " COMMAND --help' for more about a command.\n";
}

std::string general_help() {
    std::string text = "Usage:  kist [OPTIONS] COMMAND\n\nRuns containers without a daemon\n";
    const std::pair<Section, std::string_view> sections[] = {{Section::container, "Containers"},
                                                             {Section::image, "Images"},
                                                             {Section::network, "Networks"},
                                                             {Section::volume, "Volumes"},
                                                             {Section::system, "System"}};
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
