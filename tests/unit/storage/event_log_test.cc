// SPDX-License-Identifier: Apache-2.0
#include "storage/event_log.hh"

#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "base/json.hh"
#include "base/text.hh"

using namespace kist;
using namespace kist::storage;

namespace {

Value parse_line(std::string line) {
    REQUIRE(line.ends_with('\n'));
    line.pop_back();
    return json::parse(line, "event");
}

std::vector<std::string> lines_of(const Dir& dir, std::string_view name) {
    auto lines = split(read_file(dir, std::string(name), 64 << 20), '\n');
    if (!lines.empty() && lines.back().empty()) lines.pop_back();
    return lines;
}

} // namespace

TEST_CASE("an event is one line of JSON that begins with its time") {
    const std::string line = format_event({.type = "container",
                                           .action = "die",
                                           .id = "abc",
                                           .attributes = {{"exitCode", "137"}},
                                           .prepared = event_attributes({{"name", "a\"\n"}, {"name", "twice"}}),
                                           .time = {12345}});
    CHECK(line.starts_with(R"({"time":12345,)"));
    CHECK(line.find('\n') == line.size() - 1);
    const Value value = parse_line(line);
    CHECK(value.find("type")->as_string() == "container");
    CHECK(value.find("action")->as_string() == "die");
    CHECK(value.find("id")->as_string() == "abc");
    CHECK(value.find("attributes")->find("exitCode")->as_string() == "137");
    CHECK(value.find("more")->find("name")->as_string() == "a\"\n");
}

TEST_CASE("attributes that are too long are left out and the others stay") {
    const std::string large(1 << 20, '"');
    const std::string line = format_event({.type = "container",
                                           .action = "create",
                                           .id = "abc",
                                           .attributes = {{"first", "1"}, {"label", large}, {"last", "2"}}});
    CHECK(line.size() <= max_event_line);
    const Value value = parse_line(line);
    CHECK(value.find("attributes")->find("first")->as_string() == "1");
    CHECK(value.find("attributes")->find("label") == nullptr);
    CHECK(value.find("attributes")->find("last")->as_string() == "2");
}

TEST_CASE("events of several writers are whole lines, in the log and across its rotation") {
    TempDir temp;
    const Dir dir = Dir::open(temp.path());
    // Nearly full, so that the writers meet the rotation.
    write_atomically(dir, std::string(event_log_name), std::string(max_event_log - 2000, '\n'), Durability::volatile_);
    constexpr int each = 200;
    std::vector<std::jthread> writers;
    for (int n = 0; n < 4; ++n)
        writers.emplace_back([&] {
            for (int i = 0; i < each; ++i) append_event(dir, {.type = "image", .action = "pull", .id = "sha256:1"});
        });
    writers.clear();
    std::size_t found = 0;
    for (const auto name : {rotated_event_log_name, event_log_name})
        for (const std::string& line : lines_of(dir, name)) {
            if (line.empty()) continue;
            json::parse(line, "event");
            ++found;
        }
    CHECK(found == 4 * each);
    CHECK(lines_of(dir, event_log_name).size() < found);
}

TEST_CASE("an event that cannot be written is no failure") {
    append_event(std::string("/nowhere/at/all"), {.type = "image", .action = "pull", .id = "sha256:1"});
}
