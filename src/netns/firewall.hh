// SPDX-License-Identifier: Apache-2.0
// kist's firewall: one table `kist` for IP and one for bridged frames. The rules never change; networks, containers and
// published ports are elements of their sets and maps, so neither a start nor a packet pays for how many there are. They
// hang in hooks of their own: no chain or policy of anybody else is touched, and nobody's reload of his own removes them.
//
//   table inet kist
//     guard        prerouting, raw     containers do not reach the host's loopback addresses (route_localnet is on for them)
//     prerouting   dstnat              addressed to this host (fib, so transit traffic is never changed: CVE-2025-67499) → published
//     output       dstnat              the same for the host's own connections, to 127.0.0.1 too
//     published    (jumped to)         maps published_on4, published4, ranges4 and their IPv6 twins → dnat
//     postrouting  srcnat              a container that calls itself through the host, 127.0.0.1, and the way out → masquerade
//     forward      filter - 10         networks are apart; nothing comes in but what is published; internal ones stay inside
//   set links          which container has which link: no rule, a key that is in no other container's part
//   table bridge kist
//     source       prerouting          a container sends from its own addresses only, and is no router (P18)
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "netns/nftables.hh"
#include "netns/types.hh"

namespace kist::netns {

inline constexpr std::string_view firewall_table = "kist";

/// Elements that belong into one set.
struct SetElements {
    int family; ///< of the table: NFPROTO_INET or NFPROTO_BRIDGE
    std::string set;
    std::vector<Element> elements;
};
/// Pure. What of a network stands in the sets while it exists.
std::vector<SetElements> network_elements(const NetworkPlan& network);
/// Pure. What of a container stands there while it runs; `owner` (its id) becomes the elements' comment. Its ports have
/// their numbers.
std::vector<SetElements> container_elements(const ContainerPlan& plan, const std::string& owner);

/// Makes the tables if they are not there and puts the container's networks and itself into the sets. What a dead container
/// left under the same key is replaced: the port itself is reserved by a socket (ports.hh), so nobody alive has it.
void open_firewall(NetlinkSocket& socket, const ContainerPlan& plan, const std::string& owner);
/// The same after somebody else changed the tables: makes them anew when rules or sets are missing. The elements of other
/// containers are missing then until their monitors have noticed, too.
void mend_firewall(NetlinkSocket& socket, const ContainerPlan& plan, const std::string& owner);
/// Takes the container out again; what is gone already is no error.
void close_firewall(NetlinkSocket& socket, const ContainerPlan& plan, const std::string& owner);
void forget_network(NetlinkSocket& socket, const NetworkPlan& network);
/// False when no bridge is in its sets: then nobody needs it.
bool serves_networks(NetlinkSocket& socket);
void remove_firewall(NetlinkSocket& socket);

} // namespace kist::netns
