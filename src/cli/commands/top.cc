// SPDX-License-Identifier: Apache-2.0
// kist top: the processes of a container, as the host sees them.
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

struct Top {
    bool latest = false;
};

constexpr auto options = latest_option<Top>();

int show_processes(Session& session) {
    Top o;
    std::vector<std::string> operands = parse_into(o, options, session);
    Selection selection{.latest = o.latest};
    if (!o.latest && !operands.empty()) {
        selection.names.push_back(operands.front());
        operands.erase(operands.begin());
    }
    const ContainerId id = select_one(session, selection);
    const engine::TopTable table = engine::top(session.engine(), id, operands);
    TextTable text(table.headings);
    for (const auto& row : table.rows) text.row(row);
    print(text.str());
    return 0;
}

} // namespace

const Command top{.path = "container top",
                  .shortcut = "top",
                  .alias = "",
                  .summary = "Show the processes of a container",
                  .usage = "CONTAINER [COLUMN...]",
                  .section = Section::container,
                  .completes = Completes::running_container,
                  .operands = {0, Operands::any_number, true},
                  .options = facts_of<options>,
                  .run = show_processes};

} // namespace kist::cli::command
