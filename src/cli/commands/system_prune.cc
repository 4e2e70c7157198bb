// SPDX-License-Identifier: Apache-2.0
// kist system prune: removes what nothing uses.
#include "base/error.hh"
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/pruning.hh"
#include "cli/session.hh"
#include "engine/containers.hh"
#include "engine/image_use_cases.hh"
#include "engine/networks.hh"
#include "engine/volumes.hh"

namespace kist::cli::command {
namespace {

struct Prune {
    bool all = false, force = false, volumes = false;
    std::vector<std::string> filters;
};

constexpr auto options =
    sorted(concat(std::to_array<Option<Prune>>({
                      {{"a,all", "", "All images that no container uses, not only those without a name"}, &Prune::all},
                      {{"volumes", "", "Also anonymous volumes that no container uses"}, &Prune::volumes},
                  }),
                  pruning_options<Prune>()));

/// What every kind of object knows; a filter that only one of them has would prune all of the others.
void check_filters(const std::vector<std::string>& filters) {
    for (const std::string& filter : filters)
        if (const std::string key = split_once(filter, '=').first; key != "label" && key != "label!" && key != "until")
            throw UsageError("invalid filter '{}': expected label, label! or until", printable(filter));
}

bool is_wanted(const Prune& o) {
    const std::string images =
        o.all ? "all images without at least one container associated to them" : "all dangling images";
    const std::string volumes = o.volumes ? ",\n  all anonymous volumes not used by at least one container" : "";
    return o.force ||
           confirm_removal("all stopped containers,\n  all networks not used by at least one container,\n  " + images +
                           volumes + ".");
}

int prune(Session& session) {
    Prune o;
    parse_into(o, options, session);
    engine::Engine& engine = session.engine();
    check_filters(o.filters);
    engine::ContainerFilter::parse(engine, o.filters); // a bad filter is refused before the question
    if (!is_wanted(o)) return 0;
    // Containers first: they are what keeps networks and images in use.
    const engine::Pruned containers = engine::prune_containers(engine, o.filters);
    print_removed("Deleted Containers:", containers.ids);
    print_removed("Deleted Networks:", engine::prune_networks(engine, o.filters));
    const engine::PruneResult images = engine::prune_images(engine, o.all, o.filters);
    print_removed("Deleted Images:", images.lines);
    engine::PrunedVolumes volumes;
    if (o.volumes) volumes = engine::prune_volumes(engine, {.all = false, .dry_run = false, .filters = o.filters});
    print_removed("Deleted Volumes:", volumes.names);
    print_reclaimed(containers.bytes + images.reclaimed + volumes.bytes);
    return 0;
}

} // namespace

const Command system_prune{.path = "system prune",
                           .shortcut = "",
                           .alias = "",
                           .summary = "Remove stopped containers, unused networks and images",
                           .usage = "",
                           .section = Section::system,
                           .operands = operands::none,
                           .options = facts_of<options>,
                           .run = prune};

} // namespace kist::cli::command
