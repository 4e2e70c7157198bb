// SPDX-License-Identifier: Apache-2.0
// kist kill: sends a signal to the main process of containers.
#include <csignal>

#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/stopping.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

constexpr auto options = sorted(
    concat(std::to_array<Option<Stopping>>({{{"a,all", "", "Every running or paused container"}, &Stopping::all}}),
           cidfile_option<Stopping>(), filter_option<Stopping>("filter"), latest_option<Stopping>(),
           signal_option<Stopping>()));

int kill_containers(Session& session) {
    Stopping o;
    o.names = parse_into(o, options, session);
    const int signal = checked_signal(o.signal).value_or(SIGKILL);
    return for_each_selected(session, o, storage::is_running, [&](engine::Engine& engine, const Selected& container) {
        engine::kill(engine, container.id, signal);
        print_line(container.label);
    });
}

} // namespace

const Command kill{.path = "container kill",
                   .shortcut = "kill",
                   .alias = "",
                   .summary = "Send a signal to the main process of containers",
                   .usage = "CONTAINER [CONTAINER...]",
                   .section = Section::container,
                   .completes = Completes::running_container,
                   .operands = operands::any,
                   .options = facts_of<options>,
                   .run = kill_containers};

} // namespace kist::cli::command
