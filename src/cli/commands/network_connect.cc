// SPDX-License-Identifier: Apache-2.0
// kist network connect: a further network for a container, also while it runs.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/networks.hh"

namespace kist::cli::command {
namespace {

struct Connect : storage::NetworkChoice {
    std::vector<std::string> link;
};

constexpr auto options = std::to_array<Option<Connect>>({
    {{"alias", "NAME", "A further name of the container in the network (repeatable)"}, &Connect::aliases},
    {{"ip", "ADDRESS", "IPv4 address in the network"}, &Connect::ip},
    {{"ip6", "ADDRESS", "IPv6 address in the network"}, &Connect::ip6},
    {{"link", "CONTAINER[:NAME]", "Find CONTAINER by NAME there, too (repeatable)"}, &Connect::link},
    {{"mac-address", "ADDRESS", "Hardware address in the network"}, &Connect::mac},
});

int connect(Session& session) {
    Connect o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    engine::Engine& engine = session.engine();
    engine::connect_network(engine, operands[0], engine.containers().find(operands[1]), o, o.link);
    return 0;
}

} // namespace

const Command network_connect{.path = "network connect",
                              .shortcut = "",
                              .alias = "",
                              .summary = "Put a container into a network",
                              .usage = "NETWORK CONTAINER",
                              .section = Section::network,
                              .completes = Completes::network,
                              .operands = operands::exactly_two,
                              .options = facts_of<options>,
                              .run = connect};

} // namespace kist::cli::command
