// SPDX-License-Identifier: Apache-2.0
// When a container that has ended is started again. Pure: the monitor asks it, and so does the command that finds a
// container whose monitor was killed.
#pragma once

#include <chrono>
#include <optional>

#include "storage/container_config.hh"

namespace kist::monitor {

/// How long to wait before the next start of a container that ended as `state` says (exit_code, restart_count,
/// restart_delay, stopped_by_user); nothing when it is to stay as it is. `uptime`, which matters to how long only, is not
/// taken from the times in `state`: those are the wall clock's, which jumps.
std::optional<std::chrono::nanoseconds> plan_restart(const storage::RestartPolicy& policy,
                                                     const storage::ContainerState& state,
                                                     std::chrono::nanoseconds uptime = {});

/// The same without asking the policy: 100 ms, doubling to a minute, 100 ms again after a run of 10 s.
std::chrono::nanoseconds restart_delay(const storage::ContainerState& state, std::chrono::nanoseconds uptime);

} // namespace kist::monitor
