// SPDX-License-Identifier: Apache-2.0
// kist stop: asks containers to end, and kills those that do not.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/stopping.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

constexpr auto options = sorted(concat(
    std::to_array<Option<Stopping>>({{{"a,all", "", "Every running container"}, &Stopping::all}}),
    cidfile_option<Stopping>(), filter_option<Stopping>(), ignore_option<Stopping>(), latest_option<Stopping>(),
    signal_option<Stopping>(), timeout_option<Stopping>()));

bool is_up(storage::Status status) {
    return status == storage::Status::running || status == storage::Status::paused ||
           status == storage::Status::stopping;
}

int stop_containers(Session& session) {
    Stopping o;
    o.names = parse_into(o, options, session);
    const std::optional<int> signal = checked_signal(o.signal);
    return for_each_selected(session, o, is_up, [&](engine::Engine& engine, const Selected& container) {
        engine::stop(engine, container.id, o.timeout, signal);
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
