// SPDX-License-Identifier: Apache-2.0
// kist container exists: an answer as an exit code, for scripts.
#include "base/error.hh"
#include "cli/commands/all.hh"
#include "cli/parse.hh"
#include "cli/session.hh"

namespace kist::cli::command {
namespace {

int container_exists_or_not(Session& session) {
    const std::vector<std::string> names = parse_operands(session);
    const bool exists = session.engine().containers().find_if_exists(names.front()).has_value();
    return static_cast<int>(exists ? ExitCode::success : ExitCode::failure);
}

} // namespace

const Command container_exists{.path = "container exists",
                               .shortcut = "",
                               .alias = "",
                               .summary = "Exit with 0 if a container exists, else with 1",
                               .usage = "CONTAINER",
                               .section = Section::container,
                               .completes = Completes::container,
                               .operands = operands::exactly_one,
                               .run = container_exists_or_not};

} // namespace kist::cli::command
