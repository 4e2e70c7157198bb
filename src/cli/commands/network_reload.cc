// SPDX-License-Identifier: Apache-2.0
// kist network reload: puts back links and firewall elements that others have removed.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"
#include "engine/networks.hh"

namespace kist::cli::command {
namespace {

struct Reload {
    bool all = false;
    bool latest = false;
};

constexpr auto options =
    sorted(concat(std::to_array<Option<Reload>>({{{"a,all", "", "Every running container"}, &Reload::all}}),
                  latest_option<Reload>()));

int reload(Session& session) {
    Reload o;
    Selection selection{.all = o.all, .latest = o.latest};
    selection.names = parse_into(o, options, session);
    selection.all = o.all;
    selection.latest = o.latest;
    const auto runs = [](storage::Status status) {
        return status == storage::Status::running || status == storage::Status::paused;
    };
    return for_each_selected(session, selection, runs, [](engine::Engine& engine, const Selected& selected) {
        engine::reload_network(engine, selected.id);
        print_line(selected.label);
    });
}

} // namespace

const Command network_reload{.path = "network reload",
                             .shortcut = "",
                             .alias = "",
                             .summary = "Put back what others removed of the network of containers",
                             .usage = "[CONTAINER...]",
                             .section = Section::network,
                             .completes = Completes::running_container,
                             .operands = operands::any,
                             .options = facts_of<options>,
                             .run = reload};

} // namespace kist::cli::command
