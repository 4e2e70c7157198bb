// SPDX-License-Identifier: Apache-2.0
// kist pause: freezes containers.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

constexpr auto options =
    sorted(concat(std::to_array<Option<Selection>>({{{"a,all", "", "Every running container"}, &Selection::all}}),
                  cidfile_option<Selection>(), filter_option<Selection>(), latest_option<Selection>()));

int pause_containers(Session& session) {
    Selection o;
    o.names = parse_into(o, options, session);
    const auto runs = [](storage::Status status) { return status == storage::Status::running; };
    return for_each_selected(session, o, runs, [](engine::Engine& engine, const Selected& container) {
        engine::pause(engine, container.id);
        print_line(container.label);
    });
}

} // namespace

const Command pause{.path = "container pause",
                    .shortcut = "pause",
                    .alias = "",
                    .summary = "Pause all processes of containers",
                    .usage = "CONTAINER [CONTAINER...]",
                    .section = Section::container,
                    .completes = Completes::running_container,
                    .operands = operands::any,
                    .options = facts_of<options>,
                    .run = pause_containers};

} // namespace kist::cli::command
