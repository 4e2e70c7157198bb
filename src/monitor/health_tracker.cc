// SPDX-License-Identifier: Apache-2.0
#include "monitor/health_tracker.hh"

#include <algorithm>

namespace kist::monitor {

using namespace std::chrono_literals;
using storage::Health;

namespace {

constexpr std::chrono::nanoseconds default_interval = 30s;
constexpr std::chrono::nanoseconds default_timeout = 30s;
constexpr std::chrono::nanoseconds default_start_interval = 5s;
constexpr int default_retries = 3;

std::chrono::nanoseconds or_default(std::int64_t asked, std::chrono::nanoseconds standard) {
    return asked > 0 ? std::chrono::nanoseconds(asked) : standard;
}

} // namespace

HealthTracker::HealthTracker(storage::HealthCheck check, Health status, int failing_streak)
    : check_(std::move(check)),
      status_(status == Health::none ? Health::starting : status),
      streak_(failing_streak),
      starting_up_(check_.startup && status_ == Health::starting) {}

std::vector<std::string> HealthTracker::command() const {
    if (starting_up_) return check_.startup->command;
    if (check_.test.front() == "CMD") return {check_.test.begin() + 1, check_.test.end()};
    std::vector<std::string> words = check_.shell;
    if (words.empty()) words = {"/bin/sh", "-c"};
    words.insert(words.end(), check_.test.begin() + 1, check_.test.end());
    return words;
}

HealthTracker::Nanoseconds HealthTracker::timeout() const {
    return or_default(starting_up_ ? check_.startup->timeout : check_.timeout, default_timeout);
}

HealthTracker::Nanoseconds HealthTracker::pause(Nanoseconds uptime) const {
    if (starting_up_) return or_default(check_.startup->interval, default_interval);
    const bool in_start_period = status_ == Health::starting && uptime < Nanoseconds(check_.start_period);
    if (in_start_period) return or_default(check_.start_interval, default_start_interval);
    return or_default(check_.interval, default_interval);
}

HealthTracker::Outcome HealthTracker::change_to(Health status) {
    if (std::exchange(status_, status) == status) return Outcome::same;
    return status == Health::unhealthy ? Outcome::became_unhealthy : Outcome::changed;
}

HealthTracker::Outcome HealthTracker::record_startup(bool passed) {
    const storage::StartupCheck& startup = *check_.startup;
    if (passed) {
        startup_failed_ = 0;
        starting_up_ = ++startup_passed_ < std::max(startup.success, 1);
        return Outcome::same;
    }
    startup_passed_ = 0;
    ++startup_failed_;
    return startup.retries > 0 && startup_failed_ >= startup.retries ? Outcome::startup_failed : Outcome::same;
}

HealthTracker::Outcome HealthTracker::record(bool passed, Nanoseconds uptime) {
    if (starting_up_) return record_startup(passed);
    if (passed) {
        streak_ = 0;
        return change_to(Health::healthy);
    }
    // Until the first success failures of the start period do not count.
    if (status_ == Health::starting && uptime < Nanoseconds(check_.start_period)) return Outcome::same;
    if (streak_ < INT32_MAX) ++streak_;
    const int retries = check_.retries > 0 ? check_.retries : default_retries;
    return streak_ >= retries ? change_to(Health::unhealthy) : Outcome::same;
}

} // namespace kist::monitor
