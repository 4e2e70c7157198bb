// SPDX-License-Identifier: Apache-2.0
#include "engine/hook_spec.hh"

#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"

using namespace kist;
using namespace kist::engine;

namespace {

std::string failure_of(std::string_view text) {
    try {
        parse_hook_spec(text, "f", [](const std::string&) {});
    } catch (const Error& error) {
        return error.message();
    }
    return "";
}

} // namespace

TEST_CASE("a hook file holds hooks of each kind in their order") {
    std::vector<std::string> warnings;
    const oci::Hooks hooks = parse_hook_spec(
        R"({"prestart": [{"path": "/a", "args": ["x", "y"], "env": ["A=1"], "timeout": 5}, {"path": "/b", "args": [], "env": []}],
            "createRuntime": [{"path": "/c", "args": [], "env": []}], "poststop": null, "other": 1})",
        "f", [&](const std::string& text) { warnings.push_back(text); });
    REQUIRE(hooks.prestart.size() == 2);
    CHECK(hooks.prestart[0] == oci::Hook{"/a", {"x", "y"}, {"A=1"}, 5});
    CHECK(hooks.prestart[1] == oci::Hook{"/b", {}, {}, std::nullopt});
    CHECK(hooks.create_runtime.size() == 1);
    CHECK(hooks.poststop.empty());
    CHECK(warnings == std::vector<std::string>{"f: unknown key 'other'"});
}

TEST_CASE("a mistake in a hook file is named with its place") {
    CHECK(failure_of(R"([])") == "f: expected an object");
    CHECK(failure_of(R"({"prestart": {}})") == "f: prestart: expected a list of hooks");
    CHECK(failure_of(R"({"prestart": [1]})") == "f: hook prestart[0]: expected an object");
    CHECK(failure_of(R"({"prestart": [{"path": "/a", "env": []}]})") == R"(f: hook prestart[0]: "args" is required)");
    CHECK(failure_of(R"({"poststop": [{"path": "/a", "args": [1], "env": []}]})") ==
          R"(f: hook poststop[0]: "args": expected a list of strings)");
    CHECK(failure_of(R"({"poststop": [{"path": "/a", "args": [], "env": ["A"]}]})") ==
          R"(f: hook poststop[0]: "env": 'A' is no NAME=VALUE)");
    for (const std::string timeout : {"0", "-1", "1.0", "1.5", "\"1\"", "true", "9999999999999999999"})
        CHECK(failure_of(R"({"poststop": [{"path": "/a", "args": [], "env": [], "timeout": )" + timeout + "}]}")
                  .find("whole number") != std::string::npos);
}

TEST_CASE("a timeout above two minutes is cut with a warning") {
    std::vector<std::string> warnings;
    const oci::Hooks hooks =
        parse_hook_spec(R"({"poststart": [{"path": "/a", "args": [], "env": [], "timeout": 121}]})", "f",
                        [&](const std::string& text) { warnings.push_back(text); });
    CHECK(hooks.poststart[0].timeout == 120);
    CHECK(warnings.size() == 1);
}

TEST_CASE("the host's hooks come before the container's own, kind by kind") {
    oci::Hooks host, own;
    host.prestart = {{.path = "/h1"}};
    host.poststop = {{.path = "/h2"}};
    own.prestart = {{.path = "/o1"}};
    own.poststart = {{.path = "/o2"}};
    const oci::Hooks all = join_hooks(host, own);
    REQUIRE(all.prestart.size() == 2);
    CHECK(all.prestart[0].path == "/h1");
    CHECK(all.prestart[1].path == "/o1");
    CHECK(all.poststart.size() == 1);
    CHECK(all.poststop.size() == 1);
}
