// SPDX-License-Identifier: Apache-2.0
// kist network rm: removes networks that no container has.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/networks.hh"

namespace kist::cli::command {
namespace {

struct Remove {
    bool force = false;
    std::optional<int> time;
};

constexpr auto options = std::to_array<Option<Remove>>({
    {{"f,force", "", "Remove the containers that have the network, too; no error if it does not exist"},
     &Remove::force},
    {{"t,time", "SECONDS", "With --force: how long to wait for a container to stop (default 0)"}, &Remove::time},
});

int remove_networks(Session& session) {
    Remove o;
    const std::vector<std::string> names = parse_into(o, options, session);
    return for_each(names, [&](const std::string& name) {
        try {
            engine::remove_network(session.engine(), name, o.force, o.time);
        } catch (const NotFound&) {
            if (!o.force) throw;
            return;
        }
        print_line(name);
    });
}

} // namespace

const Command network_rm{.path = "network rm",
                         .shortcut = "",
                         .alias = "network remove",
                         .summary = "Remove networks",
                         .usage = "NETWORK [NETWORK...]",
                         .section = Section::network,
                         .completes = Completes::network,
                         .operands = operands::at_least_one,
                         .options = facts_of<options>,
                         .run = remove_networks};

} // namespace kist::cli::command
