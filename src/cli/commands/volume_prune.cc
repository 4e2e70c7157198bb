// SPDX-License-Identifier: Apache-2.0
// kist volume prune: removes volumes that no container uses.
#include "base/size.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/volumes.hh"

namespace kist::cli::command {
namespace {

struct Prune : engine::VolumePruneOptions {
    bool force = false;
};

constexpr auto options = std::to_array<Option<Prune>>({
    {{"a,all", "", "Also volumes that have a name"}, &Prune::all},
    {{"dry-run", "", "Say what would be removed, and remove nothing"}, &Prune::dry_run},
    {{"filter", "KEY=VALUE", "Only volumes that match: label, until … (repeatable)"}, &Prune::filters},
    {{"f,force", "", "Do not ask"}, &Prune::force},
});

int prune(Session& session) {
    Prune o;
    parse_into(o, options, session);
    engine::Engine& engine = session.engine();
    engine::VolumeFilter::parse(engine, o.filters); // a bad filter is refused before the question
    const std::string what = o.all ? "all volumes" : "all anonymous volumes";
    if (!o.force && !o.dry_run &&
        !confirm("WARNING! This will remove " + what + " not used by at least one container.\nAre you sure you want to continue?"))
        return 0;
    const engine::PrunedVolumes pruned = engine::prune_volumes(engine, o);
    if (!pruned.names.empty()) {
        print_line(o.dry_run ? "Volumes that would be deleted:" : "Deleted Volumes:");
        for (const std::string& name : pruned.names) print_line(name);
        print_line("");
    }
    print_line((o.dry_run ? "Reclaimable space: " : "Total reclaimed space: ") + human_size(static_cast<double>(pruned.bytes)));
    return 0;
}

} // namespace

const Command volume_prune{.path = "volume prune",
                           .shortcut = "",
                           .alias = "",
                           .summary = "Remove volumes that no container uses",
                           .usage = "",
                           .section = Section::volume,
                           .operands = operands::none,
                           .options = facts_of<options>,
                           .run = prune};

} // namespace kist::cli::command
