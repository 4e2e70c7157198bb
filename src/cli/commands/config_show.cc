// SPDX-License-Identifier: Apache-2.0
// kist config show: every setting with the value that is in force, as a kist.json.
#include "base/fields.hh"
#include "cli/commands/all.hh"
#include "cli/host_config_file.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"

namespace kist::cli::command {
namespace {

int show(Session& session) {
    parse_operands(session);
    print_json(to_value(read_host_config(session.globals()).effective, Write::everything));
    return 0;
}

} // namespace

const Command config_show{.path = "config show",
                          .shortcut = "",
                          .alias = "",
                          .summary = "Print the host configuration in force as JSON",
                          .usage = "",
                          .section = Section::system,
                          .operands = operands::none,
                          .run = show};

} // namespace kist::cli::command
