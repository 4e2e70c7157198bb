// SPDX-License-Identifier: Apache-2.0
// kist volume exists: an answer as an exit code, for scripts.
#include "base/error.hh"
#include "cli/commands/all.hh"
#include "cli/parse.hh"
#include "cli/session.hh"

namespace kist::cli::command {
namespace {

int volume_exists_or_not(Session& session) {
    const std::vector<std::string> names = parse_operands(session);
    const bool exists = session.engine().volumes().exists(names.front());
    return static_cast<int>(exists ? ExitCode::success : ExitCode::failure);
}

} // namespace

const Command volume_exists{.path = "volume exists",
                            .shortcut = "",
                            .alias = "",
                            .summary = "Exit with 0 if a volume exists, else with 1",
                            .usage = "VOLUME",
                            .section = Section::volume,
                            .completes = Completes::volume,
                            .operands = operands::exactly_one,
                            .run = volume_exists_or_not};

} // namespace kist::cli::command
