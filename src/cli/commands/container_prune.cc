// SPDX-License-Identifier: Apache-2.0
// kist container prune: removes every container that has stopped.
#include "base/size.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

struct Prune {
    std::vector<std::string> filters;
    bool force = false;
};

constexpr auto options = std::to_array<Option<Prune>>({
    {{"filter", "KEY=VALUE", "Only containers that match: label, until … (repeatable)"}, &Prune::filters},
    {{"f,force", "", "Do not ask"}, &Prune::force},
});

int prune(Session& session) {
    Prune o;
    parse_into(o, options, session);
    engine::Engine& engine = session.engine();
    engine::ContainerFilter::parse(engine, o.filters); // a bad filter is refused before the question
    if (!o.force && !confirm("WARNING! This will remove all stopped containers.\nAre you sure you want to continue?"))
        return 0;
    const engine::Pruned pruned = engine::prune_containers(engine, o.filters);
    if (!pruned.ids.empty()) {
        print_line("Deleted Containers:");
        for (const std::string& id : pruned.ids) print_line(id);
        print_line("");
    }
    print_line("Total reclaimed space: " + human_size(static_cast<double>(pruned.bytes)));
    return 0;
}

} // namespace

const Command container_prune{.path = "container prune",
                              .shortcut = "",
                              .alias = "",
                              .summary = "Remove all stopped containers",
                              .usage = "",
                              .section = Section::container,
                              .operands = operands::none,
                              .options = facts_of<options>,
                              .run = prune};

} // namespace kist::cli::command
