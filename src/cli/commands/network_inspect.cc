// SPDX-License-Identifier: Apache-2.0
// kist network inspect: everything about networks, as Docker lays it out.
#include "cli/commands/all.hh"
#include "cli/documents.hh"
#include "engine/networks.hh"

namespace kist::cli::command {
namespace {

int inspect_networks(Session& session) {
    return inspect_each(session, "network inspect", [](engine::Engine& engine, const std::string& name) {
        return engine::inspect_network(engine, engine::find_network(engine, name));
    });
}

} // namespace

const Command network_inspect{.path = "network inspect",
                              .shortcut = "",
                              .alias = "",
                              .summary = "Show everything about networks",
                              .usage = "NETWORK [NETWORK...]",
                              .section = Section::network,
                              .completes = Completes::network,
                              .operands = operands::at_least_one,
                              .options = facts_of<inspect_options>,
                              .run = inspect_networks};

} // namespace kist::cli::command
