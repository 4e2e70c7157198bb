// SPDX-License-Identifier: Apache-2.0
// kist mount: a host command that sees a container's files.
#include "cli/commands/all.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/mount_view.hh"

namespace kist::cli::command {
namespace {

int run_mounted(Session& session) {
    std::vector<std::string> operands = parse_operands(session);
    engine::Engine& engine = session.engine();
    const ContainerId id = engine.containers().find(operands.front());
    operands.erase(operands.begin());
    return engine::run_with_container(engine, id, operands);
}

} // namespace

const Command mount{.path = "container mount",
                    .shortcut = "mount",
                    .alias = "",
                    .summary = "Run a command of the host that sees a container's files",
                    .usage = "CONTAINER [COMMAND [ARG...]]",
                    .section = Section::container,
                    .completes = Completes::container,
                    .operands = operands::command,
                    .run = run_mounted};

} // namespace kist::cli::command
