// SPDX-License-Identifier: Apache-2.0
// kist network disconnect: takes a container out of a network, also while it runs.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/networks.hh"

namespace kist::cli::command {
namespace {

struct Disconnect {
    bool force = false;
};

constexpr auto options = std::to_array<Option<Disconnect>>({
    {{"f,force", "", "No error if the container is not there"}, &Disconnect::force},
});

int disconnect(Session& session) {
    Disconnect o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    engine::Engine& engine = session.engine();
    const auto id = engine.containers().find_if_exists(operands[1]);
    if (!id && o.force) return 0;
    engine::disconnect_network(engine, operands[0], id ? *id : engine.containers().find(operands[1]));
    return 0;
}

} // namespace

const Command network_disconnect{.path = "network disconnect",
                                 .shortcut = "",
                                 .alias = "",
                                 .summary = "Take a container out of a network",
                                 .usage = "NETWORK CONTAINER",
                                 .section = Section::network,
                                 .completes = Completes::network,
                                 .operands = operands::exactly_two,
                                 .options = facts_of<options>,
                                 .run = disconnect};

} // namespace kist::cli::command
