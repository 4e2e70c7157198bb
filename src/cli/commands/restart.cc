// SPDX-License-Identifier: Apache-2.0
// kist restart: stop and start again.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/stopping.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

struct Restart : Stopping {
    bool running = false;
};

constexpr auto options = sorted(concat(std::to_array<Option<Restart>>({
                                           {{"a,all", "", "Every container, whatever its state"}, &Restart::all},
                                           {{"running", "", "Every running container"}, &Restart::running},
                                       }),
                                       cidfile_option<Restart>(), filter_option<Restart>(), latest_option<Restart>(),
                                       signal_option<Restart>(), timeout_option<Restart>()));

int restart_containers(Session& session) {
    Restart o;
    o.names = parse_into(o, options, session);
    const std::optional<int> signal = checked_signal(o.signal);
    const bool only_running = o.running;
    if (o.running) o.all = true;
    const auto fits = [&](storage::Status status) {
        return status == storage::Status::running || status == storage::Status::paused ||
               status == storage::Status::restarting ||
               (!only_running && (status == storage::Status::created || status == storage::Status::exited));
    };
    return for_each_selected(session, o, fits, [&](engine::Engine& engine, const Selected& container) {
        engine::restart(engine, container.id, o.timeout, signal);
        print_line(container.label);
    });
}

} // namespace

const Command restart{.path = "container restart",
                      .shortcut = "restart",
                      .alias = "",
                      .summary = "Stop containers and start them again",
                      .usage = "CONTAINER [CONTAINER...]",
                      .section = Section::container,
                      .completes = Completes::container,
                      .operands = operands::any,
                      .options = facts_of<options>,
                      .run = restart_containers};

} // namespace kist::cli::command
