// SPDX-License-Identifier: Apache-2.0
// kist network exists: an answer as an exit code, for scripts.
#include "cli/commands/all.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/networks.hh"

namespace kist::cli::command {
namespace {

int exists_or_not(Session& session) {
    const std::vector<std::string> names = parse_operands(session);
    engine::Engine& engine = session.engine();
    try {
        engine::find_network(engine, names.front());
        return static_cast<int>(ExitCode::success);
    } catch (const NotFound&) {
        return static_cast<int>(ExitCode::failure);
    }
}

} // namespace

const Command network_exists{.path = "network exists",
                             .shortcut = "",
                             .alias = "",
                             .summary = "Exit with 0 if a network exists, else with 1",
                             .usage = "NETWORK",
                             .section = Section::network,
                             .completes = Completes::network,
                             .operands = operands::exactly_one,
                             .run = exists_or_not};

} // namespace kist::cli::command
