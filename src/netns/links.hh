// SPDX-License-Identifier: Apache-2.0
// Links, addresses and routes by rtnetlink(7). Each function works in the network namespace of the socket it is given.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "netns/address.hh"
#include "netns/netlink.hh"
#include "netns/types.hh"

namespace kist::netns {

/// Nothing when there is no link of that name.
std::optional<std::uint32_t> link_index(const NetlinkSocket& socket, const std::string& name);
/// The text that its maker left on a link (IFLA_IFALIAS): for bridges of kist bridge_alias(). Nothing: no such link.
std::optional<std::string> link_alias(NetlinkSocket& socket, const std::string& name);
/// "kist /run/kist": two instances with other roots do not take each other's bridges.
std::string bridge_alias(const std::string& owner);
/// A bridge that no kist made: another container manager's, or one of virtual machines.
bool has_foreign_bridge(NetlinkSocket& socket);
std::uint32_t link_mtu(const NetlinkSocket& socket, const std::string& name);

/// The bridge of a network with its addresses, up. One that is there is used as it is if it has the addresses; ours that
/// has others is changed (SEEDS A205). Returns true when it was made or changed.
bool ensure_bridge(NetlinkSocket& host, const NetworkPlan& network);
/// False when it was not there.
bool remove_link(NetlinkSocket& socket, const std::string& name);

/// The host's end in the bridge and the container's end in `target`, in one message; or a macvlan in `target`.
void add_interface(NetlinkSocket& host, const Attachment& attachment, const Fd& target);
/// In the container's namespace: lo, addresses and routes of what add_interface() made. `first`: its gateway is the default route.
void configure_interface(NetlinkSocket& inside, const Attachment& attachment, bool first);
void bring_up(NetlinkSocket& socket, const std::string& name);

/// Makes the container's link a port of its bridge again. False when the link is gone.
bool join_bridge(NetlinkSocket& host, const Attachment& attachment);

/// Where the host's routes lead: the subnets a new network must keep clear of.
std::vector<Subnet> routed_subnets(NetlinkSocket& socket);
/// The interface of the default route; empty when there is none.
std::string default_interface(NetlinkSocket& socket);
/// Addresses of a link (ADDRESS/PREFIX), without link-local ones.
std::vector<InterfaceAddress> link_addresses(NetlinkSocket& socket, const std::string& name);

} // namespace kist::netns
