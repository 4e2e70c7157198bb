// SPDX-License-Identifier: Apache-2.0
// The user's terminal and the pty of an exec'd process, joined.
#pragma once

#include <string>

#include "base/process.hh"
#include "monitor/detach_keys.hh"

namespace kist::engine {

struct RelayOptions {
    bool interactive = false;
    std::string detach_sequence; ///< bytes of parse_detach_keys(); empty: never
};
/// Until the process ends: its exit code. What it leaves running in the background on the pty keeps nobody (SEEDS A122).
/// After the detach keys 0; then a copy of us in the background reads what it writes.
int relay_terminal(Child child, Fd master, const RelayOptions&);

} // namespace kist::engine
