// SPDX-License-Identifier: Apache-2.0
// kist network prune: removes networks that no container has.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/networks.hh"

namespace kist::cli::command {
namespace {

struct Prune {
    std::vector<std::string> filters;
    bool force = false;
};

constexpr auto options = std::to_array<Option<Prune>>({
    {{"filter", "KEY=VALUE", "Only networks that match: label, until … (repeatable)"}, &Prune::filters},
    {{"f,force", "", "Do not ask"}, &Prune::force},
});

int prune(Session& session) {
    Prune o;
    parse_into(o, options, session);
    engine::Engine& engine = session.engine();
    engine::list_networks(engine, o.filters); // a bad filter is refused before the question
    if (!o.force && !confirm("WARNING! This will remove all networks that no container uses.\nAre you sure you want to continue?")) return 0;
    const auto removed = engine::prune_networks(engine, o.filters);
    if (removed.empty()) return 0;
    print_line("Deleted Networks:");
    for (const std::string& name : removed) print_line(name);
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
