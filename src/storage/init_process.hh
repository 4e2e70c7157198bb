// SPDX-License-Identifier: Apache-2.0
// Whether the process of a state record still runs: by pid and start time, so a reused pid is never taken for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include <sys/types.h>

#include "base/process.hh"

namespace kist::storage {

struct InitLook {
    enum class Kind { alive, zombie, gone };
    Kind kind = Kind::gone;
    /// Of a zombie that nobody has reaped yet (its monitor is dead); needs root.
    std::optional<ExitStatus> status;
};
InitLook look_at_init(pid_t pid, std::uint64_t start_time);

/// How long ago a process was started that has this start time; none for 0. By the clock of the boot, which never jumps.
std::chrono::nanoseconds time_since(std::uint64_t start_time);

} // namespace kist::storage
