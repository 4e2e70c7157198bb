// SPDX-License-Identifier: Apache-2.0
// Whether the host passes packets on: sysctls of the host that containers' networks need, and what they were before.
#pragma once

#include "base/file.hh"

namespace kist::netns {

/// Makes the host forward packets, if it does not, and remembers in `run_root` that it did not. In the host's network
/// namespace.
void enable_forwarding(const Dir& run_root, bool v6);
/// Undoes it.
void restore_forwarding(const Dir& run_root);

} // namespace kist::netns
