// SPDX-License-Identifier: Apache-2.0
// kist stop: asks containers to end, and kills those that do not.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/stopping.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

struct Stop : Stopping {
    bool shutdown = false;
};

constexpr auto options = sorted(concat(
    std::to_array<Option<Stop>>({
        {{"a,all", "", "Every running container"}, &Stop::all},
        {{"shutdown", "", "The host goes down: restart policies count again after the boot"}, &Stop::shutdown},
    }),
    cidfile_option<Stop>(), filter_option<Stop>(), ignore_option<Stop>(), latest_option<Stop>(), signal_option<Stop>(),
    timeout_option<Stop>()));

int stop_containers(Session& session) {
    Stop o;
    o.names = parse_into(o, options, session);
    const std::optional<int> signal = checked_signal(o.signal);
    const engine::StopOptions how{.timeout = o.timeout, .signal = signal, .shutdown = o.shutdown};
    return for_each_selected(session, o, storage::is_up, [&](engine::Engine& engine, const Selected& container) {
        engine::stop(engine, container.id, how);
        print_line(container.label);
    });
}

} // namespace

const Command stop{.path = "container stop",
                   .shortcut = "stop",
                   .alias = "",
                   .summary = "Stop running containers",
                   .usage = "CONTAINER [CONTAINER...]",
                   .section = Section::container,
                   .completes = Completes::running_container,
                   .operands = operands::any,
                   .options = facts_of<options>,
                   .run = stop_containers};

} // namespace kist::cli::command
