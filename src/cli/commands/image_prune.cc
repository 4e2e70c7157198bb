// SPDX-License-Identifier: Apache-2.0
// kist image prune: removes images that nothing uses.
#include "base/size.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/image_use_cases.hh"

namespace kist::cli::command {
namespace {

struct Prune {
    bool all = false;
    std::vector<std::string> filters;
    bool force = false;
};

constexpr auto options = std::to_array<Option<Prune>>({
    {{"a,all", "", "Also images that have a name but no container"}, &Prune::all},
    {{"filter", "KEY=VALUE", "Only images that match: label, until … (repeatable)"}, &Prune::filters},
    {{"f,force", "", "Do not ask"}, &Prune::force},
});

int prune(Session& session) {
    Prune o;
    parse_into(o, options, session);
    engine::Engine& engine = session.engine();
    const std::string what = o.all ? "all images without at least one container associated to them."
                                   : "all dangling images.";
    if (!o.force && !confirm("WARNING! This will remove " + what + "\nAre you sure you want to continue?")) return 0;
    const engine::PruneResult result = engine::prune_images(engine, o.all, o.filters);
    if (!result.lines.empty()) print_line("Deleted Images:");
    for (const std::string& line : result.lines) print_line(line);
    if (!result.lines.empty()) print_line("");
    print_line("Total reclaimed space: " + human_size(static_cast<double>(result.reclaimed)));
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
