// SPDX-License-Identifier: Apache-2.0
// kist volume prune: removes volumes that no container uses.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/pruning.hh"
#include "cli/session.hh"
#include "engine/volumes.hh"

namespace kist::cli::command {
namespace {

struct Prune : engine::VolumePruneOptions {
    bool force = false;
};

constexpr auto options = concat(std::to_array<Option<Prune>>({
                                    {{"a,all", "", "Also volumes that have a name"}, &Prune::all},
                                    {{"dry-run", "", "Say what would be removed, and remove nothing"}, &Prune::dry_run},
                                }),
                                pruning_options<Prune>());

int prune(Session& session) {
    Prune o;
    parse_into(o, options, session);
    engine::Engine& engine = session.engine();
    engine::VolumeFilter::parse(engine, o.filters); // a bad filter is refused before the question
    const std::string what = o.all ? "all volumes" : "all anonymous volumes";
    if (!o.force && !o.dry_run && !confirm_removal(what + " not used by at least one container.")) return 0;
    const engine::PrunedVolumes pruned = engine::prune_volumes(engine, o);
    print_removed(o.dry_run ? "Volumes that would be deleted:" : "Deleted Volumes:", pruned.names);
    print_reclaimed(pruned.bytes, o.dry_run ? "Reclaimable space: " : "Total reclaimed space: ");
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
