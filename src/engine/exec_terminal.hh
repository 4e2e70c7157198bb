// SPDX-License-Identifier: Apache-2.0
// The user's terminal and the pty of an exec'd process, joined.
#pragma once

#include <optional>
#include <string>

#include "base/process.hh"
#include "monitor/detach_keys.hh"

namespace kist::engine {

struct RelayOptions {
    bool interactive = false;
    std::string detach_sequence; ///< bytes of parse_detach_keys(); empty: never
};
/// Until the process ends: its exit code. What it leaves running in the background on the pty keeps nobody (SEEDS A122).
/// Nothing when the user has left by the detach keys: then keep_reading() is called.
std::optional<int> relay_terminal(Child& child, Fd& master, const RelayOptions&);
/// Without a reader of its terminal the process would block: reads and drops what it writes, and reaps it. Its exit code.
int keep_reading(Child& child, const Fd& master);

} // namespace kist::engine
