// SPDX-License-Identifier: Apache-2.0
// Help texts, made from the tables; at most 80 columns.
#pragma once

#include <string>

#include "cli/command.hh"
#include "cli/commands.hh"

namespace kist::cli {

std::string general_help();
std::string noun_help(const Noun&);
std::string command_help(const Command&);
/// "kist run [OPTIONS] IMAGE [COMMAND] [ARG...]"
std::string usage_line(const Command&);

} // namespace kist::cli
