// SPDX-License-Identifier: Apache-2.0
// kist stop: asks containers to end, and kills those that do not.
#include <csignal>
#include <optional>
#include <string_view>

#include <unistd.h>

#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/stopping.hh"
#include "engine/stop_several.hh"

namespace kist::cli::command {
namespace {

struct Stop : Stopping {
    bool shutdown = false;
};

constexpr auto options = sorted(
    concat(std::to_array<Option<Stop>>({
               {{"a,all", "", "Every running container"}, &Stop::all},
               {{"shutdown", "", "The host goes down: restart policies count again after the boot"}, &Stop::shutdown},
           }),
           cidfile_option<Stop>(), filter_option<Stop>(), ignore_option<Stop>(), latest_option<Stop>(),
           signal_option<Stop>(), timeout_option<Stop>()));

/// The monitors go on with what they were asked for.
void say_interrupted(int) {
    constexpr std::string_view text = "\nkist: interrupted: what was asked to stop may still do so\n";
    (void)!::write(STDERR_FILENO, text.data(), text.size());
    ::_exit(128 + SIGINT);
}

int stop_containers(Session& session) {
    Stop o;
    o.names = parse_into(o, options, session);
    const std::optional<int> signal = checked_signal(o.signal);
    const engine::StopOptions how{.timeout = o.timeout, .signal = signal, .shutdown = o.shutdown};
    if (::isatty(STDERR_FILENO) != 0) std::signal(SIGINT, say_interrupted);
    std::optional<engine::StopSeveral> stopping;
    const auto ask_all = [&](engine::Engine& engine, std::vector<Selected>& containers) {
        stopping.emplace(engine, how);
        if (containers.size() > 1)
            for (const Selected& container : containers) stopping->ask(container.id);
    };
    return for_each_selected(session, o, storage::is_up, ask_all, [&](engine::Engine&, const Selected& container) {
        stopping->finish(container.id, [&] {
            if (::isatty(STDERR_FILENO) != 0)
                complain("still waiting for '" + container.label + "' to end (does it ignore the signal?)\n");
        });
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
