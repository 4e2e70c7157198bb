// SPDX-License-Identifier: Apache-2.0
// kist exec: a further process in a running container.
#include "base/error.hh"
#include "cli/commands/all.hh"
#include "cli/foreground.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

struct Exec : engine::ExecOptions {
    bool latest = false;
    std::string keys;
};

constexpr auto options = sorted(concat(
    std::to_array<Option<Exec>>({
        {{"d,detach", "", "Run in the background"}, &Exec::detach},
        {{"detach-keys", "KEYS", "Keys that detach (default ctrl-p,ctrl-q)"}, &Exec::keys},
        {{"e,env", "NAME[=VALUE]", "Set an environment variable (repeatable)"}, &Exec::env},
        {{"env-file", "FILE", "Read environment variables from FILE (repeatable)", Completes::file}, &Exec::env_files},
        {{"i,interactive", "", "Pass stdin on to the command"}, &Exec::interactive},
        {{"privileged", "", "All capabilities, no confinement"}, &Exec::privileged},
        {{"t,tty", "", "Give the command a terminal"}, &Exec::tty},
        {{"u,user", "USER[:GROUP]", "Run as this user (name or number)"}, &Exec::user},
        {{"w,workdir", "FOLDER", "Working folder in the container"}, &Exec::workdir},
    }),
    latest_option<Exec>()));

int exec_in_container(Session& session) {
    Exec o;
    std::vector<std::string> operands = parse_into(o, options, session);
    Selection selection{.latest = o.latest};
    if (!o.latest) {
        selection.names.push_back(operands.front());
        operands.erase(operands.begin());
    }
    if (operands.empty()) throw UsageError("'kist exec' needs a command to run");
    if (o.tty && o.interactive && !o.detach) require_terminal();
    o.command = std::move(operands);
    if (!o.keys.empty()) o.detach_keys = o.keys;
    auto& engine = session.engine(); // says so when we are not root
    engine::run_sealed(session.argv());
    const ContainerId id = select_one(session, selection);
    return engine::exec(engine, id, o);
}

} // namespace

const Command exec{.path = "container exec",
                   .shortcut = "exec",
                   .alias = "",
                   .summary = "Run a command in a running container",
                   .usage = "CONTAINER COMMAND [ARG...]",
                   .section = Section::container,
                   .completes = Completes::running_container,
                   .operands = operands::command,
                   .options = facts_of<options>,
                   .run = exec_in_container};

} // namespace kist::cli::command
