// SPDX-License-Identifier: Apache-2.0
// --health-… over an image's HEALTHCHECK: SEEDS A086 to A106.
#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"
#include "engine/create_parts.hh"

using namespace kist;
using namespace kist::engine;
using storage::HealthAction;
using storage::HealthCheck;

namespace {

std::optional<HealthCheck> of_image() {
    HealthCheck check;
    check.test = {"CMD", "probe"};
    check.interval = 5'000'000'000;
    check.retries = 7;
    return check;
}

} // namespace

TEST_CASE("without options a container has its image's health check, or none") {
    CHECK(plan_health(of_image(), {}) == of_image());
    CHECK_FALSE(plan_health(std::nullopt, {}));
}

TEST_CASE("health options override the image's field by field") {
    HealthOptions o;
    o.health_interval = "1m30s";
    auto check = plan_health(of_image(), o);
    REQUIRE(check);
    CHECK(check->test == std::vector<std::string>{"CMD", "probe"});
    CHECK(check->interval == 90'000'000'000);
    CHECK(check->retries == 7);
    o = {};
    o.health_cmd = "curl localhost || exit 1";
    check = plan_health(of_image(), o);
    CHECK(check->test == std::vector<std::string>{"CMD-SHELL", "curl localhost || exit 1"});
    CHECK(check->interval == 5'000'000'000);
}

TEST_CASE("a health command may be a JSON list") {
    HealthOptions o;
    for (const char* text : {R"(["CMD","probe","-x"])", R"(["probe","-x"])"}) {
        o.health_cmd = text;
        CHECK(plan_health({}, o)->test == std::vector<std::string>{"CMD", "probe", "-x"});
    }
    for (const char* text : {"", "[]", R"(["CMD"])", "[1]", "[", R"(["a")"}) {
        o.health_cmd = text;
        CHECK_THROWS_AS(plan_health({}, o), UsageError);
    }
}

TEST_CASE("--no-healthcheck and none cancel the image's, and go with nothing else") {
    HealthOptions o;
    o.no_healthcheck = true;
    CHECK_FALSE(plan_health(of_image(), o));
    o.health_retries = 3;
    CHECK_THROWS_AS(plan_health(of_image(), o), UsageError);
    o = {};
    o.health_cmd = "none";
    CHECK_FALSE(plan_health(of_image(), o));
    o.health_timeout = "1s";
    CHECK_THROWS_AS(plan_health(of_image(), o), UsageError);
}

TEST_CASE("options that change a check need one") {
    HealthOptions o;
    o.health_retries = 3;
    CHECK_THROWS_AS(plan_health({}, o), UsageError);
    o = {};
    o.health_startup_cmd = "true";
    CHECK_THROWS_AS(plan_health({}, o), UsageError);
    o = {};
    o.health_cmd = "true";
    o.health_startup_retries = 3;
    CHECK_THROWS_AS(plan_health({}, o), UsageError);
    o.health_startup_cmd = "up";
    const auto check = plan_health({}, o);
    CHECK(check->startup->command == std::vector<std::string>{"/bin/sh", "-c", "up"});
    CHECK(check->startup->retries == 3);
}

TEST_CASE("times are int64 nanoseconds of at least a millisecond, or 0") {
    HealthOptions o;
    o.health_cmd = "true";
    for (const char* good : {"0", "0s", "1ms", "2562047h47m16s", "9223372036854775807ns"}) {
        o.health_interval = o.health_timeout = o.health_start_period = o.health_start_interval = good;
        CHECK_NOTHROW(plan_health({}, o));
    }
    CHECK(plan_health({}, o)->interval == INT64_MAX);
    for (const char* bad : {"-1s", "999us", "1ns", "x", "", "5", "9223372036854775808ns", "2562048h"}) {
        o.health_interval = bad;
        CHECK_THROWS_AS(plan_health({}, o), UsageError);
    }
    o.health_interval = "disable";
    CHECK_FALSE(plan_health({}, o)->scheduled);
}

TEST_CASE("retries are an int32") {
    HealthOptions o;
    o.health_cmd = "true";
    o.health_retries = 2147483647;
    CHECK(plan_health({}, o)->retries == 2147483647);
    for (const std::int64_t bad : {std::int64_t{2147483648}, std::int64_t{-1}, INT64_MAX}) {
        o.health_retries = bad;
        CHECK_THROWS_AS(plan_health({}, o), UsageError);
    }
}

TEST_CASE("--health-exit-on-unhealthy is the action kill") {
    HealthOptions o;
    o.health_cmd = "true";
    o.health_exit_on_unhealthy = true;
    CHECK(plan_health({}, o)->on_failure == HealthAction::kill);
    o.health_on_failure = "kill";
    CHECK(plan_health({}, o)->on_failure == HealthAction::kill);
    o.health_on_failure = "restart";
    CHECK_THROWS_AS(plan_health({}, o), UsageError);
    o.health_exit_on_unhealthy.reset();
    CHECK(plan_health({}, o)->on_failure == HealthAction::restart);
    o.health_on_failure = "panic";
    CHECK_THROWS_AS(plan_health({}, o), UsageError);
}

TEST_CASE("an image's health check is taken, cancelled or refused") {
    storage::ImageRecord image;
    CHECK_FALSE(image_health(image));
    oci::HealthConfig asked;
    image.config.config.healthcheck = asked;
    CHECK_FALSE(image_health(image));
    asked.test = {"NONE"};
    image.config.config.healthcheck = asked;
    CHECK_FALSE(image_health(image));
    asked.test = {"CMD-SHELL", "/test.sh"};
    asked.exit_on_unhealthy = true;
    image.config.config.healthcheck = asked;
    image.config.config.shell = {"/bin/ash", "-c"};
    REQUIRE(image_health(image));
    CHECK(image_health(image)->test == asked.test);
    CHECK(image_health(image)->shell == image.config.config.shell);
    CHECK(image_health(image)->on_failure == HealthAction::kill);
    for (const auto& bad : {oci::HealthConfig{.test = {"EXEC", "x"}}, oci::HealthConfig{.test = {"CMD"}},
                            oci::HealthConfig{.test = {"CMD", "x"}, .interval = -1},
                            oci::HealthConfig{.test = {"CMD", "x"}, .timeout = 5},
                            oci::HealthConfig{.test = {"CMD", "x"}, .retries = -2}}) {
        image.config.config.healthcheck = bad;
        CHECK_THROWS_AS(image_health(image), Error);
    }
}

TEST_CASE("the instruction HEALTHCHECK has flags, a command or NONE") {
    auto config = parse_healthcheck("--interval=5s --retries=2 --health-exit-on-unhealthy=true CMD curl -f localhost");
    CHECK(config.test == std::vector<std::string>{"CMD-SHELL", "curl -f localhost"});
    CHECK(config.interval == 5'000'000'000);
    CHECK(config.retries == 2);
    CHECK(config.exit_on_unhealthy);
    config = parse_healthcheck("--timeout=1s --start-period=2s --start-interval=3s cmd [\"probe\", \"-x\"]");
    CHECK(config.test == std::vector<std::string>{"CMD", "probe", "-x"});
    CHECK(config.timeout == 1'000'000'000);
    CHECK(config.start_period == 2'000'000'000);
    CHECK(config.start_interval == 3'000'000'000);
    CHECK(parse_healthcheck("NONE").test == std::vector<std::string>{"NONE"});
    for (const char* bad : {"", "CMD", "NONE x", "--interval=5s NONE", "--interval=5 CMD x", "--other=1 CMD x",
                            "EXEC x", "--retries=-1 CMD x", "--interval=1s"})
        CHECK_THROWS_AS(parse_healthcheck(bad), UsageError);
}
