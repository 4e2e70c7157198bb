// SPDX-License-Identifier: Apache-2.0
// The unchanging part of the firewall.
#pragma once

#include "netns/nftables.hh"

namespace kist::netns {

/// The table of this family (NFPROTO_INET, NFPROTO_BRIDGE) with sets, chains and rules. The transaction fails with EEXIST
/// when somebody was faster.
void add_base_rules(NftBatch& batch, int family);

} // namespace kist::netns
