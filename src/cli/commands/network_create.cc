// SPDX-License-Identifier: Apache-2.0
// kist network create: a network of one's own. Its bridge is made when the first container starts in it.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/networks.hh"

namespace kist::cli::command {
namespace {

constexpr auto options = sorted(std::to_array<Option<engine::NetworkOptions>>({
    {{"disable-dns", "", "No name service: containers do not find each other by name"},
     &engine::NetworkOptions::disable_dns},
    {{"dns", "IP", "Name server that the network's own asks (repeatable)"}, &engine::NetworkOptions::dns},
    {{"d,driver", "NAME", "bridge, macvlan or ipvlan (default bridge)", Completes::words, "bridge|macvlan|ipvlan"},
     &engine::NetworkOptions::driver},
    {{"gateway", "IP", "The host's address in a subnet (default: its first; repeatable)"},
     &engine::NetworkOptions::gateways},
    {{"ignore", "", "No error if a network of that name exists"}, &engine::NetworkOptions::ignore},
    {{"interface-name", "NAME", "Name of the bridge, or the parent of a macvlan or ipvlan"},
     &engine::NetworkOptions::interface_name},
    {{"internal", "", "No way out of the network, and none in"}, &engine::NetworkOptions::internal},
    {{"ip-range", "SUBNET", "Give addresses from this part of a subnet only (repeatable)"},
     &engine::NetworkOptions::ranges},
    {{"ipam-driver", "NAME", "host-local, or none: no addresses (default host-local)", Completes::words,
      "host-local|none"},
     &engine::NetworkOptions::ipam_driver},
    {{"ipv6", "", "An IPv6 subnet too"}, &engine::NetworkOptions::ipv6},
    {{"label", "KEY[=VALUE]", "Add a label (repeatable)"}, &engine::NetworkOptions::labels},
    {{"o,opt", "KEY=VALUE", "mtu, isolate, parent, mode, com.docker.network.bridge.name … (repeatable)"},
     &engine::NetworkOptions::options},
    {{"route", "SUBNET,GATEWAY[,METRIC]", "A route for the containers (repeatable)"}, &engine::NetworkOptions::routes},
    {{"subnet", "SUBNET", "As 10.9.0.0/24 or fd00:9::/64 (default: one that is free; repeatable)"},
     &engine::NetworkOptions::subnets},
}));

int create_one(Session& session) {
    engine::NetworkOptions o;
    const std::vector<std::string> names = parse_into(o, options, session);
    if (!names.empty()) o.name = names.front();
    print_line(engine::create_network(session.engine(), o));
    return 0;
}

} // namespace

const Command network_create{.path = "network create",
                             .shortcut = "",
                             .alias = "",
                             .summary = "Make a network",
                             .usage = "[NAME]",
                             .section = Section::network,
                             .operands = operands::at_most_one,
                             .options = facts_of<options>,
                             .run = create_one};

} // namespace kist::cli::command
