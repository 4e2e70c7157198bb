// SPDX-License-Identifier: Apache-2.0
#include "monitor/restart_plan.hh"

#include <algorithm>

namespace kist::monitor {

using namespace std::chrono_literals;

namespace {
constexpr std::chrono::nanoseconds first_delay = 100ms;
constexpr std::chrono::nanoseconds longest_delay = 1min;
constexpr std::chrono::nanoseconds proven_after = 10s;
} // namespace

std::chrono::nanoseconds restart_delay(const storage::ContainerState& state, std::chrono::nanoseconds uptime) {
    const std::chrono::nanoseconds last(state.restart_delay);
    if (last <= 0ns || uptime >= proven_after) return first_delay;
    return std::min(longest_delay, 2 * std::min(last, longest_delay));
}

std::optional<std::chrono::nanoseconds> plan_restart(const storage::RestartPolicy& policy,
                                                     const storage::ContainerState& state,
                                                     std::chrono::nanoseconds uptime) {
    using Mode = storage::RestartMode;
    if (policy.mode == Mode::no || state.stopped_by_user) return std::nullopt;
    if (policy.mode == Mode::on_failure) {
        if (state.exit_code == 0) return std::nullopt;
        if (policy.max_retries > 0 && state.restart_count >= policy.max_retries) return std::nullopt;
    }
    return restart_delay(state, uptime);
}

} // namespace kist::monitor
