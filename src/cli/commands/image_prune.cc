// SPDX-License-Identifier: Apache-2.0
// kist image prune: removes images that nothing uses.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/pruning.hh"
#include "cli/session.hh"
#include "engine/image_use_cases.hh"

namespace kist::cli::command {
namespace {

struct Prune {
    bool all = false;
    std::vector<std::string> filters;
    bool force = false;
};

constexpr auto options = concat(std::to_array<Option<Prune>>({
                                    {{"a,all", "", "Also images that have a name but no container"}, &Prune::all},
                                }),
                                pruning_options<Prune>());

int prune(Session& session) {
    Prune o;
    parse_into(o, options, session);
    engine::Engine& engine = session.engine();
    const std::string what =
        o.all ? "all images without at least one container associated to them." : "all dangling images.";
    if (!o.force && !confirm_removal(what)) return 0;
    const engine::PruneResult result = engine::prune_images(engine, o.all, o.filters);
    print_removed("Deleted Images:", result.lines);
    print_reclaimed(result.reclaimed);
    return 0;
}

} // namespace

const Command image_prune{.path = "image prune",
                          .shortcut = "",
                          .alias = "",
                          .summary = "Remove images that nothing uses",
                          .usage = "",
                          .section = Section::image,
                          .operands = operands::none,
                          .options = facts_of<options>,
                          .run = prune};

} // namespace kist::cli::command
