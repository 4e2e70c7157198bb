// SPDX-License-Identifier: Apache-2.0
// kist completion: prints the completion script of a shell.
#include "base/error.hh"
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/completion/scripts.hh"
#include "cli/output.hh"
#include "cli/parse.hh"

namespace kist::cli::command {
namespace {

int print_script(Session& session) {
    const std::string shell = parse_operands(session).front();
    if (shell == "bash") print(bash_completion());
    else if (shell == "zsh") print(zsh_completion());
    else if (shell == "fish") print(fish_completion());
    else throw UsageError("no completion for '{}': expected bash, zsh or fish", printable(shell));
    return 0;
}

} // namespace

const Command completion{.path = "completion",
                         .shortcut = "",
                         .alias = "",
                         .summary = "Print the completion script of a shell",
                         .usage = "bash|zsh|fish",
                         .section = Section::system,
                         .completes = Completes::words,
                         .words = "bash|zsh|fish",
                         .operands = operands::exactly_one,
                         .run = print_script};

} // namespace kist::cli::command
