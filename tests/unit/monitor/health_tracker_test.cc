// SPDX-License-Identifier: Apache-2.0
#include "monitor/health_tracker.hh"

#include <catch2/catch_test_macros.hpp>

using namespace kist::monitor;
using namespace kist::storage;
using namespace std::chrono_literals;
using Outcome = HealthTracker::Outcome;

namespace {

std::int64_t ns(std::chrono::nanoseconds time) { return time.count(); }

HealthCheck shell_check() {
    HealthCheck check;
    check.test = {"CMD-SHELL", "test -e /ok"};
    return check;
}

HealthTracker fresh(const HealthCheck& check) { return {check, Health::starting, 0}; }

} // namespace

TEST_CASE("0 is the default: 30 s apart, 30 s long, three failures") {
    HealthTracker tracker = fresh(shell_check());
    CHECK(tracker.status() == Health::starting);
    CHECK(tracker.pause(0s) == 30s);
    CHECK(tracker.timeout() == 30s);
    CHECK(tracker.record(false, 30s) == Outcome::same);
    CHECK(tracker.record(false, 60s) == Outcome::same);
    CHECK(tracker.failing_streak() == 2);
    CHECK(tracker.record(false, 90s) == Outcome::became_unhealthy);
    CHECK(tracker.status() == Health::unhealthy);
}

TEST_CASE("checks go on when it is unhealthy, and one success makes it healthy again") {
    HealthCheck check = shell_check();
    check.retries = 1;
    HealthTracker tracker = fresh(check);
    CHECK(tracker.record(false, 1s) == Outcome::became_unhealthy);
    CHECK(tracker.record(false, 2s) == Outcome::same);
    CHECK(tracker.failing_streak() == 2);
    CHECK(tracker.record(true, 3s) == Outcome::changed);
    CHECK(tracker.status() == Health::healthy);
    CHECK(tracker.failing_streak() == 0);
    CHECK(tracker.record(true, 4s) == Outcome::same);
}

TEST_CASE("a success in between sets the streak back") {
    HealthTracker tracker = fresh(shell_check());
    for (int n = 0; n < 5; ++n) {
        CHECK(tracker.record(false, 1s) == Outcome::same);
        CHECK(tracker.record(false, 1s) == Outcome::same);
        tracker.record(true, 1s);
    }
    CHECK(tracker.status() == Health::healthy);
}

TEST_CASE("failures of the start period do not count until the first success") {
    HealthCheck check = shell_check();
    check.start_period = ns(60s);
    check.retries = 1;
    HealthTracker tracker = fresh(check);
    CHECK(tracker.record(false, 59s) == Outcome::same);
    CHECK(tracker.failing_streak() == 0);
    SECTION("after it they do") { CHECK(tracker.record(false, 60s) == Outcome::became_unhealthy); }
    SECTION("after a success in it they do") {
        CHECK(tracker.record(true, 30s) == Outcome::changed);
        CHECK(tracker.record(false, 31s) == Outcome::became_unhealthy);
    }
}

TEST_CASE("the start interval holds while it is starting in the start period") {
    HealthCheck check = shell_check();
    check.interval = ns(20s);
    check.start_period = ns(60s);
    HealthTracker tracker = fresh(check);
    CHECK(tracker.pause(0s) == 5s);
    CHECK(tracker.pause(61s) == 20s);
    tracker.record(true, 1s);
    CHECK(tracker.pause(2s) == 20s);
    check.start_interval = ns(2s);
    CHECK(fresh(check).pause(0s) == 2s);
    check.start_period = 0;
    CHECK(fresh(check).pause(0s) == 20s);
}

TEST_CASE("the first check comes after one interval, also when it is long") {
    HealthCheck check = shell_check();
    check.interval = INT64_MAX;
    CHECK(fresh(check).pause(0s) == std::chrono::nanoseconds(INT64_MAX));
}

TEST_CASE("a command is a list of words or a line for the image's shell") {
    HealthCheck check = shell_check();
    CHECK(fresh(check).command() == std::vector<std::string>{"/bin/sh", "-c", "test -e /ok"});
    check.shell = {"/bin/bash", "-ec"};
    CHECK(fresh(check).command() == std::vector<std::string>{"/bin/bash", "-ec", "test -e /ok"});
    check.test = {"CMD", "probe", "-x"};
    CHECK(fresh(check).command() == std::vector<std::string>{"probe", "-x"});
}

TEST_CASE("a startup check goes first, and its failures restart the container") {
    HealthCheck check = shell_check();
    check.startup = StartupCheck{.command = {"up"}, .interval = ns(1s), .timeout = ns(2s), .retries = 3, .success = 2};
    HealthTracker tracker = fresh(check);
    CHECK(tracker.is_starting_up());
    CHECK(tracker.command() == std::vector<std::string>{"up"});
    CHECK(tracker.pause(0s) == 1s);
    CHECK(tracker.timeout() == 2s);
    SECTION("successes in a row end it") {
        tracker.record(true, 1s);
        tracker.record(false, 2s);
        tracker.record(true, 3s);
        CHECK(tracker.is_starting_up());
        CHECK(tracker.record(true, 4s) == Outcome::same);
        CHECK_FALSE(tracker.is_starting_up());
        CHECK(tracker.status() == Health::starting);
        CHECK(tracker.command().front() == "/bin/sh");
        CHECK(tracker.record(true, 5s) == Outcome::changed);
    }
    SECTION("failures in a row are too many") {
        CHECK(tracker.record(false, 1s) == Outcome::same);
        CHECK(tracker.record(false, 2s) == Outcome::same);
        CHECK(tracker.record(false, 3s) == Outcome::startup_failed);
        CHECK(tracker.failing_streak() == 0);
    }
    SECTION("without a limit they go on") {
        check.startup->retries = 0;
        HealthTracker patient = fresh(check);
        for (int n = 0; n < 100; ++n) CHECK(patient.record(false, 1s) == Outcome::same);
    }
}

TEST_CASE("an adopted container's health goes on where it was") {
    HealthCheck check = shell_check();
    check.startup = StartupCheck{.command = {"up"}};
    HealthTracker tracker(check, Health::healthy, 2);
    CHECK_FALSE(tracker.is_starting_up());
    CHECK(tracker.record(false, 100s) == Outcome::became_unhealthy);
}
