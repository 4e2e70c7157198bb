// SPDX-License-Identifier: Apache-2.0
// Which subnet a new network gets.
#pragma once

#include "engine/engine.hh"
#include "netns/address.hh"

namespace kist::engine {

/// Free of the host's routes and of all networks: from default-address-pools, else from 10.208.0.0/12 in networks of /24
/// (the default network: 10.207.0.0/16). IPv6: a random one of fd00::/8. Call with the networks' lock held. Throws Error
/// that lists the pools and what is in the way (SEEDS A157).
netns::Subnet choose_subnet(Engine&, bool for_user, bool v6 = false);
/// Throws Error naming the network or route that `wanted` overlaps.
void check_subnet(Engine&, const netns::Subnet& wanted);
/// Chooses and records the default network's bridge and subnet if that has not been done in this boot.
void settle_default_network(Engine&);
/// Its bridge has been removed: the next start chooses anew.
void forget_default_network(Engine&);

} // namespace kist::engine
