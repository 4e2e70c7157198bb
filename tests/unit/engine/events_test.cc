// SPDX-License-Identifier: Apache-2.0
#include "engine/events.hh"

#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"
#include "storage/event_log.hh"

using namespace kist;
using namespace kist::engine;

namespace {

EventRecord event_of(std::string_view type, std::string_view action, const std::string& id,
                     const std::vector<std::pair<std::string_view, std::string_view>>& attributes) {
    std::string line = storage::format_event({.type = type, .action = action, .id = id, .attributes = attributes});
    line.pop_back();
    auto event = parse_event(line);
    REQUIRE(event);
    return *event;
}

bool matches(const EventRecord& event, const std::vector<std::string>& filters) {
    return EventFilter::parse(filters).matches(event);
}

} // namespace

TEST_CASE("a written event is read back, its own attributes before the prepared ones") {
    std::string line =
        storage::format_event({.type = "container",
                               .action = "rename",
                               .id = "abc",
                               .attributes = {{"name", "new"}},
                               .prepared = storage::event_attributes({{"image", "busybox"}, {"name", "old"}}),
                               .time = {1'500'000'000}});
    line.pop_back();
    const auto event = parse_event(line);
    REQUIRE(event);
    CHECK(event->time.ns == 1'500'000'000);
    CHECK(event->attributes == std::map<std::string, std::string>{{"image", "busybox"}, {"name", "new"}});
    CHECK(event->document().find("time")->as_signed() == 1);
    CHECK(event->fields().find("Name")->as_string() == "new");
}

TEST_CASE("an event behind the remains of a torn one is read, rubbish is not") {
    const auto event = parse_event(
        R"({"time":5,"type":"con{"time":7,"type":"image","action":"pull","id":"sha256:1","attributes":{}})");
    REQUIRE(event);
    CHECK(event->time.ns == 7);
    CHECK_FALSE(parse_event(""));
    CHECK_FALSE(parse_event("rubbish"));
    CHECK_FALSE(parse_event(R"({"time":5,"type":"image")"));
    CHECK_FALSE(parse_event(R"({"time":"5","type":"image","action":"pull"})"));
    CHECK_FALSE(parse_event(R"({"time":5,"type":"","action":"pull"})"));
}

TEST_CASE("filters of one key are alternatives, different keys and labels must all hold") {
    const auto event = event_of("container", "die", "0123456789abcdef",
                                {{"name", "web"}, {"image", "r.io:5000/busybox:1"}, {"tier", "a"}, {"zone", "b"}});
    CHECK(matches(event, {}));
    CHECK(matches(event, {"event=start", "event=die"}));
    CHECK_FALSE(matches(event, {"event=start", "event=die", "type=image"}));
    CHECK(matches(event, {"label=tier", "label=zone=b"}));
    CHECK_FALSE(matches(event, {"label=tier", "label=zone=c"}));
    CHECK(matches(event, {"container=web"}));
    CHECK(matches(event, {"container=/web"}));
    CHECK(matches(event, {"container=0123"}));
    CHECK_FALSE(matches(event, {"container=we"}));
    CHECK(matches(event, {"image=r.io:5000/busybox"}));
    CHECK(matches(event, {"image=r.io:5000/busybox:1"}));
    CHECK_FALSE(matches(event, {"image=r.io"}));
    CHECK_FALSE(matches(event, {"volume=web"}));
}

TEST_CASE("Podman's names of actions are known beside Docker's") {
    const auto is = [](std::string_view type, std::string_view action, const std::string& word) {
        return matches(event_of(type, action, "abc", {}), {"event=" + word});
    };
    CHECK(is("container", "die", "died"));
    CHECK(is("container", "destroy", "remove"));
    CHECK(is("image", "delete", "remove"));
    CHECK(is("container", "exec_start: sh -c ls", "exec_start"));
    CHECK(is("container", "exec_start: sh -c ls", "exec"));
    CHECK(is("container", "health_status: healthy", "health_status"));
    CHECK(is("container", "health_status: healthy", "health_status: healthy"));
    CHECK_FALSE(is("container", "exec_die", "exec"));
    CHECK_FALSE(is("container", "start", "died"));
}

TEST_CASE("events of volumes and networks are found by the container that they name") {
    const auto event =
        event_of("network", "connect", "fedcba", {{"container", "0123456789abcdef"}, {"name", "bridge"}});
    CHECK(matches(event, {"container=0123"}));
    CHECK(matches(event, {"network=bridge"}));
    CHECK_FALSE(matches(event, {"container=other"}));
}

TEST_CASE("an unknown filter names the nearest") {
    try {
        EventFilter::parse({"contaner=web"});
        FAIL("accepted");
    } catch (const Error& error) {
        CHECK(error.hint().find("container") != std::string::npos);
    }
    CHECK_THROWS_AS(EventFilter::parse({"container"}), UsageError);
}
