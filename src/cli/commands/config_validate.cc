// SPDX-License-Identifier: Apache-2.0
// kist config validate: reads kist.json as every command does, and says whether it is right.
#include "cli/commands/all.hh"
#include "cli/host_config_file.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"

namespace kist::cli::command {
namespace {

int validate(Session& session) {
    const std::vector<std::string> operands = parse_operands(session);
    engine::GlobalOptions globals = session.globals();
    if (!operands.empty()) globals.config = operands.front();
    const HostConfigFile file = read_host_config(globals);
    print_line(file.exists ? file.path + ": OK" : file.path + ": not there, the defaults are used");
    return 0;
}

} // namespace

const Command config_validate{.path = "config validate",
                              .shortcut = "",
                              .alias = "",
                              .summary = "Check the host configuration",
                              .usage = "[FILE]",
                              .section = Section::system,
                              .completes = Completes::file,
                              .operands = operands::at_most_one,
                              .run = validate};

} // namespace kist::cli::command
