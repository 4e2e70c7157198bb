// SPDX-License-Identifier: Apache-2.0
// What the three scripts have in common: the words of the tables.
#include <set>

#include "base/text.hh"
#include "cli/completion/scripts.hh"

namespace kist::cli {

std::vector<std::string> spellings(const Command& command) {
    std::vector<std::string> all{std::string(command.name())};
    if (!command.shortcut.empty()) all.emplace_back(command.path);
    for (const std::string& alias : split(command.alias, ',')) all.push_back(alias);
    return all;
}

std::vector<std::string> first_words() {
    std::set<std::string> words;
    for (const Command* command : commands()) {
        if (command->section == Section::hidden) continue;
        for (const std::string& spelling : spellings(*command))
            if (spelling.find(' ') == std::string::npos) words.insert(spelling);
    }
    for (const Noun& noun : nouns()) words.emplace(noun.name);
    return {words.begin(), words.end()};
}

std::vector<std::string> second_words(const Noun& noun) {
    std::set<std::string> words;
    const std::string prefix = std::string(noun.name) + " ";
    for (const Command* command : commands())
        for (const std::string& spelling : spellings(*command))
            if (spelling.starts_with(prefix)) words.insert(spelling.substr(prefix.size()));
    return {words.begin(), words.end()};
}

std::vector<std::string> spellings(const OptionFacts& option) {
    std::vector<std::string> all;
    if (option.letter() != '\0') all.push_back(std::string("-") + option.letter());
    for (const std::string& name : split(option.long_names(), ',')) all.push_back("--" + name);
    return all;
}

std::string shell_quoted(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

} // namespace kist::cli
