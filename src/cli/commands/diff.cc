// SPDX-License-Identifier: Apache-2.0
// kist diff: what a container changed of its image.
#include "cli/change_list.hh"
#include "cli/commands/all.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"
#include "engine/changes.hh"

namespace kist::cli::command {
namespace {

struct Diff {
    std::string format;
    bool latest = false;
};

constexpr auto options =
    sorted(concat(std::to_array<Option<Diff>>({
                      {{"format", "FORMAT", "'json' instead of lines", Completes::words, "json"}, &Diff::format},
                  }),
                  latest_option<Diff>()));

int show_changes(Session& session) {
    Diff o;
    std::vector<std::string> operands = parse_into(o, options, session);
    check_change_format(o.format);
    engine::Engine& engine = session.engine();
    if (o.latest || operands.empty())
        operands.insert(operands.begin(), select_one(session, {.latest = o.latest}).str());
    print_changes(engine::diff(engine, operands.front(), operands.size() > 1 ? operands[1] : ""), o.format);
    return 0;
}

} // namespace

const Command diff{.path = "container diff",
                   .shortcut = "diff",
                   .alias = "",
                   .summary = "Show what a container changed of its image's files",
                   .usage = "CONTAINER|IMAGE [CONTAINER|IMAGE]",
                   .section = Section::container,
                   .completes = Completes::container,
                   .operands = {0, 2},
                   .options = facts_of<options>,
                   .run = show_changes};

} // namespace kist::cli::command
