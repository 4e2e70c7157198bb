// SPDX-License-Identifier: Apache-2.0
#include "monitor/restart_plan.hh"

#include <catch2/catch_test_macros.hpp>

using namespace kist;
using namespace kist::monitor;
using namespace std::chrono_literals;
using storage::RestartMode;
using storage::RestartPolicy;

namespace {

storage::ContainerState ended(int exit_code) {
    storage::ContainerState state;
    state.exit_code = exit_code;
    return state;
}

} // namespace

TEST_CASE("without a policy nothing is started again") {
    CHECK_FALSE(plan_restart({}, ended(0)));
    CHECK_FALSE(plan_restart({}, ended(1)));
}

TEST_CASE("on-failure restarts failures, as often as it says") {
    const RestartPolicy twice{RestartMode::on_failure, 2};
    auto state = ended(1);
    CHECK_FALSE(plan_restart(twice, ended(0)));
    CHECK(plan_restart(twice, state));
    state.restart_count = 1;
    CHECK(plan_restart(twice, state));
    state.restart_count = 2;
    CHECK_FALSE(plan_restart(twice, state));
    CHECK(plan_restart({RestartMode::on_failure, 0}, state));
    state.restart_count = 1'000'000;
    CHECK(plan_restart({RestartMode::on_failure, 0}, state));
}

TEST_CASE("always and unless-stopped restart every end but a user's stop") {
    for (const RestartMode mode : {RestartMode::always, RestartMode::unless_stopped}) {
        auto state = ended(0);
        CHECK(plan_restart({mode}, state));
        state.stopped_by_user = true;
        CHECK_FALSE(plan_restart({mode}, state));
    }
}

TEST_CASE("the delay starts at 100 ms and doubles to a minute") {
    auto state = ended(1);
    std::chrono::nanoseconds expected = 100ms;
    for (int n = 0; n < 40; ++n) {
        const auto delay = plan_restart({RestartMode::always}, state);
        REQUIRE(delay);
        CHECK(*delay == expected);
        state.restart_delay = delay->count();
        expected = std::min<std::chrono::nanoseconds>(2 * expected, 1min);
    }
}

TEST_CASE("a run of 10 s starts the delays again") {
    auto state = ended(1);
    state.restart_delay = std::chrono::nanoseconds(40s).count();
    CHECK(restart_delay(state, 9'999ms) == 1min);
    CHECK(restart_delay(state, 10s) == 100ms);
}

TEST_CASE("a wall clock that jumped between start and end does not count as a long run (F18)") {
    auto state = ended(1);
    state.restart_delay = std::chrono::nanoseconds(1s).count();
    state.started_at = 1;
    state.finished_at = std::chrono::nanoseconds(24h).count();
    CHECK(plan_restart({RestartMode::always}, state, 10ms) == 2s);
}

TEST_CASE("a delay that a damaged record holds is bounded") {
    auto state = ended(1);
    state.restart_delay = INT64_MAX;
    CHECK(restart_delay(state, 0s) == 1min);
    state.restart_delay = -5;
    CHECK(restart_delay(state, 0s) == 100ms);
}
