// SPDX-License-Identifier: Apache-2.0
// kist system prune: removes what nothing uses.
#include "base/error.hh"
#include "base/size.hh"
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/containers.hh"
#include "engine/image_use_cases.hh"
#include "engine/volumes.hh"

namespace kist::cli::command {
namespace {

struct Prune {
    bool all = false, force = false, volumes = false;
    std::vector<std::string> filters;
};

constexpr auto options = std::to_array<Option<Prune>>({
    {{"a,all", "", "All images that no container uses, not only those without a name"}, &Prune::all},
    {{"filter", "KEY=VALUE", "Only what matches: label, label!, until (repeatable)"}, &Prune::filters},
    {{"f,force", "", "Do not ask"}, &Prune::force},
    {{"volumes", "", "Also anonymous volumes that no container uses"}, &Prune::volumes},
});

/// What every kind of object knows; a filter that only one of them has would prune all of the others.
void check_filters(const std::vector<std::string>& filters) {
    for (const std::string& filter : filters)
        if (const std::string key = split_once(filter, '=').first; key != "label" && key != "label!" && key != "until")
            throw UsageError("invalid filter '{}': expected label, label! or until", printable(filter));
}

bool is_wanted(const Prune& o) {
    const std::string images = o.all ? "all images without at least one container associated to them" : "all dangling images";
    const std::string volumes = o.volumes ? "\n  - all anonymous volumes not used by at least one container" : "";
    return o.force || confirm("WARNING! This will remove:\n  - all stopped containers\n  - " + images + volumes + "\nAre you sure you want to continue?");
}

void print_list(const char* heading, const std::vector<std::string>& lines) {
    if (lines.empty()) return;
    print_line(heading);
    for (const std::string& line : lines) print_line(line);
    print_line("");
}

int prune(Session& session) {
    Prune o;
    parse_into(o, options, session);
    engine::Engine& engine = session.engine();
    check_filters(o.filters);
    engine::ContainerFilter::parse(engine, o.filters); // a bad filter is refused before the question
    if (!is_wanted(o)) return 0;
    // Containers first: they are what keeps images in use.
    const engine::Pruned containers = engine::prune_containers(engine, o.filters);
    print_list("Deleted Containers:", containers.ids);
    const engine::PruneResult images = engine::prune_images(engine, o.all, o.filters);
    print_list("Deleted Images:", images.lines);
    engine::PrunedVolumes volumes;
    if (o.volumes) volumes = engine::prune_volumes(engine, {.all = false, .dry_run = false, .filters = o.filters});
    print_list("Deleted Volumes:", volumes.names);
    print_line("Total reclaimed space: " + human_size(static_cast<double>(containers.bytes + images.reclaimed + volumes.bytes)));
    return 0;
}

} // namespace

const Command system_prune{.path = "system prune",
                           .shortcut = "",
                           .alias = "",
                           .summary = "Remove stopped containers and unused images",
                           .usage = "",
                           .section = Section::system,
                           .operands = operands::none,
                           .options = facts_of<options>,
                           .run = prune};

} // namespace kist::cli::command
