// SPDX-License-Identifier: Apache-2.0
// Completion scripts for three shells, made from the tables of commands. Names of containers and images are asked from
// kist itself at the moment of completion.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.hh"

namespace kist::cli {

std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

/// How one command is written: "ps", "container ls", "container list".
std::vector<std::string> spellings(const Command&);
/// All first words, and what may follow a noun.
std::vector<std::string> first_words();
std::vector<std::string> second_words(const Noun&);
/// "-t", "--time", "--timeout"
std::vector<std::string> spellings(const OptionFacts&);
/// In single quotes for a POSIX shell.
std::string shell_quoted(std::string_view text);

} // namespace kist::cli
