// SPDX-License-Identifier: Apache-2.0
// kist rename: gives a container another name, in any state.
#include "cli/commands/all.hh"
#include "cli/parse.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

int rename_container(Session& session) {
    const std::vector<std::string> names = parse_operands(session);
    engine::Engine& engine = session.engine();
    engine::rename(engine, engine.containers().find(names[0]), names[1]);
    return 0;
}

} // namespace

const Command rename{.path = "container rename",
                     .shortcut = "rename",
                     .alias = "",
                     .summary = "Give a container another name",
                     .usage = "CONTAINER NEW_NAME",
                     .section = Section::container,
                     .completes = Completes::container,
                     .operands = operands::exactly_two,
                     .run = rename_container};

} // namespace kist::cli::command
