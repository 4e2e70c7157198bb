// SPDX-License-Identifier: Apache-2.0
// kist network update: name servers of a network.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/networks.hh"

namespace kist::cli::command {
namespace {

struct Update {
    std::vector<std::string> add_dns, drop_dns;
};

constexpr auto options = std::to_array<Option<Update>>({
    {{"dns-add", "IP", "Ask this name server, too (repeatable)"}, &Update::add_dns},
    {{"dns-drop", "IP", "Do not ask this name server any more (repeatable)"}, &Update::drop_dns},
});

int update_networks(Session& session) {
    Update o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    engine::update_network(session.engine(), operands.front(), o.add_dns, o.drop_dns);
    print_line(operands.front());
    return 0;
}

} // namespace

const Command network_update{.path = "network update",
                             .shortcut = "",
                             .alias = "",
                             .summary = "Change the name servers of a network",
                             .usage = "NETWORK",
                             .section = Section::network,
                             .completes = Completes::network,
                             .operands = operands::exactly_one,
                             .options = facts_of<options>,
                             .run = update_networks};

} // namespace kist::cli::command
