// SPDX-License-Identifier: Apache-2.0
// kist run: create and start; in the foreground it lives as long as the container.
#include <unistd.h>

#include "base/error.hh"
#include "cli/commands/all.hh"
#include "cli/create_options.hh"
#include "cli/foreground.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/progress_bars.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

struct Run : engine::CreateOptions {
    bool detach = false;
    std::string detach_keys;
    bool sig_proxy = true;
};

constexpr auto own_options = std::to_array<Option<Run>>({
    {{"d,detach", "", "Run in the background and print the container's ID"}, &Run::detach},
    {{"detach-keys", "KEYS", "Keys that detach (default ctrl-p,ctrl-q)"}, &Run::detach_keys},
    {{"sig-proxy", "", "Pass signals on to the container (default true)"}, &Run::sig_proxy},
});
constexpr auto options = sorted(concat(create_options<Run>(), own_options));

int run_container(Session& session) {
    Run o;
    std::vector<std::string> operands = parse_into(o, options, session);
    o.image = operands.front();
    o.command.assign(operands.begin() + 1, operands.end());
    o.argv = session.argv();
    o.PullOptions::warn = print_warning;
    if (!o.quiet) show_progress(o);
    if (o.detach && !o.attach.empty()) throw UsageError("--detach and --attach exclude each other");

    std::optional<engine::AttachOptions> attach;
    if (!o.detach) {
        attach = attach_options(o);
        attach->sig_proxy = o.sig_proxy;
        if (!o.detach_keys.empty()) attach->detach_keys = o.detach_keys;
        if (o.tty && attach->stdin_) require_terminal();
    }
    engine::Engine& engine = session.engine();
    const ContainerId id = engine::create(engine, o, print_warning);
    const engine::AttachResult result = engine::start(engine, id, attach);
    if (o.detach) print_line(id.str());
    return result.exit_code;
}

} // namespace

const Command run{.path = "container run",
                  .shortcut = "run",
                  .alias = "",
                  .summary = "Create a container and run a command in it",
                  .usage = "IMAGE [COMMAND] [ARG...]",
                  .section = Section::container,
                  .completes = Completes::image,
                  .operands = operands::command,
                  .options = facts_of<options>,
                  .run = run_container};

} // namespace kist::cli::command
