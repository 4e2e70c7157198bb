// SPDX-License-Identifier: Apache-2.0
// Other programs' firewalls, which kist reads and never changes. A packet must pass every chain at its hook: what ours
// accept, another with policy drop still drops (Docker sets iptables' FORWARD so, and many hand-written rulesets do).
#pragma once

#include <string>
#include <vector>

#include "netns/netlink.hh"

namespace kist::netns {

/// Drops forwarded packets that no rule of its own accepts.
struct BlockingChain {
    std::string family; ///< as nft says it: inet, ip, ip6
    std::string table, name;
    bool iptables = false;   ///< its rules are iptables' (its table has that program's chains)
    bool for_admins = false; ///< the table has Docker's chain DOCKER-USER, made for rules like ours
    bool operator==(const BlockingChain&) const = default;
    std::string str() const { return family + " " + table + " " + name; }
};

/// `firewall`: of the host's network namespace. Also those of iptables-legacy, which nftables does not know.
std::vector<BlockingChain> forward_blockers(NetlinkSocket& firewall);

} // namespace kist::netns
