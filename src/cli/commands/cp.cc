// SPDX-License-Identifier: Apache-2.0
// kist cp: files between the host and containers.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/copy.hh"

namespace kist::cli::command {
namespace {

struct Cp : engine::CopyOptions {
    bool quiet = false;
};

constexpr auto options = std::to_array<Option<Cp>>({
    {{"a,archive", "", "Keep owners by number, setuid bits, capabilities, ACLs and devices"}, &Cp::archive},
    {{"chown", "USER[:GROUP]", "Owner of what is copied into a container (default: the container's user)"}, &Cp::chown},
    {{"L,follow-link", "", "If SOURCE is a link, copy what it points to"}, &Cp::follow_link},
    {{"overwrite", "", "A folder may replace another kind of file, and the other way round"}, &Cp::overwrite},
    {{"q,quiet", "", "No warnings about what cannot be copied"}, &Cp::quiet},
});

int copy_files(Session& session) {
    Cp o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    const engine::CopyEnd from = engine::parse_copy_end(operands[0]), to = engine::parse_copy_end(operands[1]);
    if (!o.quiet) o.warn = [](const std::string& text) { print_warning(text); };
    engine::copy(session.engine(), from, to, o);
    return 0;
}

} // namespace

const Command cp{.path = "container cp",
                 .shortcut = "cp",
                 .alias = "",
                 .summary = "Copy files between a container and the host",
                 .usage = "[CONTAINER:]SOURCE|- [CONTAINER:]TARGET|-",
                 .section = Section::container,
                 .completes = Completes::container,
                 .operands = operands::exactly_two,
                 .options = facts_of<options>,
                 .run = copy_files};

} // namespace kist::cli::command
