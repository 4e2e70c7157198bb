// SPDX-License-Identifier: Apache-2.0
// kist network prune: removes networks that no container has.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/pruning.hh"
#include "cli/session.hh"
#include "engine/networks.hh"

namespace kist::cli::command {
namespace {

constexpr auto options = pruning_options<Pruning>();

int prune(Session& session) {
    Pruning o;
    parse_into(o, options, session);
    engine::Engine& engine = session.engine();
    engine::list_networks(engine, o.filters); // a bad filter is refused before the question
    if (!o.force && !confirm_removal("all networks that no container uses.")) return 0;
    print_removed("Deleted Networks:", engine::prune_networks(engine, o.filters));
    return 0;
}

} // namespace

const Command network_prune{.path = "network prune",
                            .shortcut = "",
                            .alias = "",
                            .summary = "Remove all networks that no container uses",
                            .usage = "",
                            .section = Section::network,
                            .operands = operands::none,
                            .options = facts_of<options>,
                            .run = prune};

} // namespace kist::cli::command
