// SPDX-License-Identifier: Apache-2.0
// kist container init: all of a start but the program.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

constexpr auto options = sorted(concat(
    std::to_array<Option<Selection>>({{{"a,all", "", "Every container that was not initialized"}, &Selection::all}}),
    latest_option<Selection>()));

int initialize_containers(Session& session) {
    Selection o;
    o.names = parse_into(o, options, session);
    const auto can_be = [](storage::Status status) {
        return status == storage::Status::created || status == storage::Status::exited;
    };
    return for_each_selected(session, o, can_be, [](engine::Engine& engine, const Selected& container) {
        engine::initialize(engine, container.id);
        print_line(container.label);
    });
}

} // namespace

const Command container_init{.path = "container init",
                             .shortcut = "",
                             .alias = "",
                             .summary = "Make namespaces and mounts of containers without starting their programs",
                             .usage = "CONTAINER [CONTAINER...]",
                             .section = Section::container,
                             .completes = Completes::container,
                             .operands = operands::any,
                             .options = facts_of<options>,
                             .run = initialize_containers};

} // namespace kist::cli::command
