// SPDX-License-Identifier: Apache-2.0
// kist help: the same texts as --help.
#include "cli/help.hh"

#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"

namespace kist::cli::command {
namespace {

int show_help(Session& session) {
    const std::vector<std::string> words = parse_operands(session);
    if (words.empty()) {
        print(general_help());
        return 0;
    }
    const Found found = find_command(words);
    print(found.command != nullptr ? command_help(*found.command) : noun_help(*found.noun));
    return 0;
}

} // namespace

const Command help{.path = "help",
                   .shortcut = "",
                   .alias = "",
                   .summary = "Show help about a command",
                   .usage = "[COMMAND]",
                   .section = Section::system,
                   .completes = Completes::command,
                   .operands = {0, 2},
                   .run = show_help};

} // namespace kist::cli::command
