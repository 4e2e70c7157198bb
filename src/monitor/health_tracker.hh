// SPDX-License-Identifier: Apache-2.0
// The rules of health checks (SEEDS A084 to A106): when the next one is, and what its result means. No clock and no process
// in here.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "storage/supervision.hh"

namespace kist::monitor {

class HealthTracker {
public:
    using Nanoseconds = std::chrono::nanoseconds;

    /// `status` starting: the container has just been started; else it goes on where another monitor was killed.
    HealthTracker(storage::HealthCheck check, storage::Health status, int failing_streak);

    storage::Health status() const { return status_; }
    int failing_streak() const { return streak_; }
    const storage::HealthCheck& check() const { return check_; }
    /// The startup check has not succeeded yet.
    bool is_starting_up() const { return starting_up_; }

    /// The arguments of the next check's process.
    std::vector<std::string> command() const;
    Nanoseconds timeout() const;
    /// From the start of the container or the end of a check to the next one. `uptime`: how long the container runs.
    Nanoseconds pause(Nanoseconds uptime) const;

    enum class Outcome { same, changed, became_unhealthy, startup_failed };
    /// `uptime` at the beginning of the check.
    Outcome record(bool passed, Nanoseconds uptime);

private:
    Outcome record_startup(bool passed);
    Outcome change_to(storage::Health status);

    storage::HealthCheck check_;
    storage::Health status_;
    int streak_;
    bool starting_up_;
    int startup_passed_ = 0, startup_failed_ = 0;
};

} // namespace kist::monitor
