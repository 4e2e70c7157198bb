// SPDX-License-Identifier: Apache-2.0
// kist create: a container that waits for start.
#include "cli/commands/all.hh"
#include "cli/create_options.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/progress_bars.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

constexpr auto options = sorted(create_options<engine::CreateOptions>());

int create_container(Session& session) {
    engine::CreateOptions o;
    std::vector<std::string> operands = parse_into(o, options, session);
    o.image = operands.front();
    o.command.assign(operands.begin() + 1, operands.end());
    o.argv = session.argv();
    o.PullOptions::warn = print_warning;
    if (!o.quiet) show_progress(o);
    print_line(engine::create(session.engine(), o, print_warning).str());
    return 0;
}

} // namespace

const Command create{.path = "container create",
                     .shortcut = "create",
                     .alias = "",
                     .summary = "Create a container without starting it",
                     .usage = "IMAGE [COMMAND] [ARG...]",
                     .section = Section::container,
                     .completes = Completes::image,
                     .operands = operands::command,
                     .options = facts_of<options>,
                     .run = create_container};

} // namespace kist::cli::command
