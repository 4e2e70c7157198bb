// SPDX-License-Identifier: Apache-2.0
// kist container prune: removes every container that has stopped.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/pruning.hh"
#include "cli/session.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

constexpr auto options = pruning_options<Pruning>();

int prune(Session& session) {
    Pruning o;
    parse_into(o, options, session);
    engine::Engine& engine = session.engine();
    engine::ContainerFilter::parse(engine, o.filters); // a bad filter is refused before the question
    if (!o.force && !confirm_removal("all stopped containers.")) return 0;
    const engine::Pruned pruned = engine::prune_containers(engine, o.filters);
    print_removed("Deleted Containers:", pruned.ids);
    print_reclaimed(pruned.bytes);
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
