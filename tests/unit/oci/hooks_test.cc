// SPDX-License-Identifier: Apache-2.0
#include "oci/run/hooks.hh"

#include <catch2/catch_test_macros.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/json.hh"
#include "base/text.hh"

using namespace kist;
using namespace kist::oci;

namespace {

class Scene {
public:
    std::string path(const std::string& name) const { return dir_.path() + "/" + name; }
    std::string script(const std::string& name, const std::string& text, mode_t mode = 0755) const {
        write_atomically(Dir::open(dir_.path()), name, "#!/bin/sh\n" + text + "\n", Durability::volatile_);
        REQUIRE(::chmod(path(name).c_str(), mode) == 0);
        return path(name);
    }
    std::string text(const std::string& name) const { return read_file(path(name), 1 << 20); }
    Hook hook(const std::string& name, const std::string& text) const {
        return {.path = script(name, text), .args = {name, path("log")}, .env = {"PATH=/usr/bin:/bin", "A=1"}};
    }

private:
    TempDir dir_;
};

template <typename Act>
std::string failure_of(Act act) {
    try {
        act();
    } catch (const Error& error) {
        return error.message();
    }
    return "";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("hooks run in order, with their arguments, their environment and the state on standard input") {
    const Scene scene;
    HookContext context{.id = "abc", .bundle = "/b", .annotations = {{"k", "v"}}, .extra_env = {"KIST_IN_HOOK=abc"}};
    std::vector<std::string> seen;
    context.begins = [&](const std::string& name) { seen.push_back("begins " + name); };
    context.ended = [&](const HookResult& result) { seen.push_back("ended " + result.name); };
    const std::vector<Hook> hooks = {
        scene.hook("one", R"x(echo "$0 $A $KIST_IN_HOOK $#" >>"$1"; cat >>"$1"; echo ignored)x"),
        scene.hook("two", R"x(echo two >>"$1")x")};
    run_hooks("prestart", hooks, context, hook_state(context, "creating", 42), Failure::stops);
    const auto lines = split(scene.text("log"), '\n');
    REQUIRE(lines.size() >= 2);
    CHECK(lines[0] == scene.path("one") + " 1 abc 1");
    const Value state =
        json::parse(lines[1].substr(0, lines[1].find('}', lines[1].find("annotations") + 20) + 2), "state");
    CHECK(state.find("pid")->as_signed() == 42);
    CHECK(state.find("status")->as_string() == "creating");
    CHECK(state.find("annotations")->find("k")->as_string() == "v");
    CHECK(has(scene.text("log"), "two\n"));
    const std::string one = "prestart[0] '" + scene.path("one") + "'", two = "prestart[1] '" + scene.path("two") + "'";
    CHECK(seen == std::vector<std::string>{"begins " + one, "ended " + one, "begins " + two, "ended " + two});
}

TEST_CASE("a program that is no script gets its own name as args say") {
    const Scene scene;
    const Hook hook{.path = "/bin/sh", .args = {"other", "-c", "echo \"$0\" >\"$1\"", "named", scene.path("log")}};
    run_hooks("poststop", {hook}, {}, "{}", Failure::stops);
    CHECK(scene.text("log") == "named\n");
}

TEST_CASE("the first hook that fails is told with its standard error, and the rest do not run") {
    const Scene scene;
    const std::vector<Hook> hooks = {scene.hook("bad", "echo no such network >&2; exit 3"),
                                     scene.hook("next", R"x(echo next >>"$1")x")};
    CHECK(failure_of([&] { run_hooks("prestart", hooks, {}, "{}", Failure::stops); }) ==
          "hook prestart[0] '" + scene.path("bad") + "': exit code 3: no such network");
    CHECK(::access(scene.path("log").c_str(), F_OK) != 0);
    std::vector<HookResult> results;
    HookContext context;
    context.ended = [&](const HookResult& result) { results.push_back(result); };
    run_hooks("poststop", hooks, context, "{}", Failure::goes_on);
    REQUIRE(results.size() == 2);
    CHECK(results[0].exit_code == 3);
    CHECK(results[0].failed());
    CHECK_FALSE(results[1].failed());
    CHECK(scene.text("log") == "next\n");
}

TEST_CASE("a hook that takes too long is killed with what it has started") {
    const Scene scene;
    Hook hook = scene.hook("slow", R"x(sleep 100 & echo $! >"$1"; wait)x");
    hook.timeout = 1;
    HookResult found;
    HookContext context;
    context.ended = [&](const HookResult& result) { found = result; };
    CHECK(has(failure_of([&] { run_hooks("prestart", {hook}, context, "{}", Failure::stops); }),
              "took longer than 1 s and was killed"));
    CHECK(found.timed_out);
    CHECK(found.duration < std::chrono::seconds(10));
    const auto pid = parse_unsigned(trim(scene.text("log")));
    REQUIRE(pid);
    // Dead, though its new parent may not have reaped it.
    const auto is_dead = [&] {
        const auto stat = read_file_if_exists(fmt::format("/proc/{}/stat", *pid), 4096);
        return !stat || has(*stat, ") Z") || has(*stat, ") X");
    };
    for (int i = 0; i < 500 && !is_dead(); ++i) ::usleep(10'000);
    CHECK(is_dead());
}

TEST_CASE("the limit of the caller is above what a hook says, and is the time of one that says nothing") {
    const Scene scene;
    HookContext context;
    context.limit = std::chrono::seconds(1);
    Hook hook = scene.hook("slow", "sleep 100");
    CHECK(has(failure_of([&] { run_hooks("prestart", {hook}, context, "{}", Failure::stops); }), "longer than 1 s"));
    hook.timeout = 100;
    CHECK(has(failure_of([&] { run_hooks("prestart", {hook}, context, "{}", Failure::stops); }), "longer than 1 s"));
}

TEST_CASE("a hook that writes much, or leaves a process with its standard error, holds nobody up") {
    const Scene scene;
    HookResult found;
    HookContext context;
    context.ended = [&](const HookResult& result) { found = result; };
    run_hooks("prestart", {scene.hook("loud", "head -c 1000000 /dev/zero >&2; sleep 10 &")}, context, "{}",
              Failure::stops);
    CHECK(found.output.size() == 4096);
    CHECK(found.duration < std::chrono::seconds(8));
}

TEST_CASE("hooks must be absolute, executable files, below the allowed folder after links are resolved") {
    const Scene scene;
    const Dir dir = Dir::open(scene.path(""));
    const std::string hooks = scene.path("hooks");
    Dir::create(hooks);
    Dir::create(scene.path("hooks2"));
    const auto refusal = [&](const std::string& path) {
        return failure_of([&] { check_hook("prestart[0]", {.path = path}, hooks); });
    };
    write_atomically(Dir::open(hooks), "good", "#!/bin/sh\n", Durability::volatile_);
    write_atomically(Dir::open(hooks), "plain", "#!/bin/sh\n", Durability::volatile_);
    write_atomically(Dir::open(scene.path("hooks2")), "other", "#!/bin/sh\n", Durability::volatile_);
    ::chmod((hooks + "/good").c_str(), 0700);
    ::chmod(scene.path("hooks2/other").c_str(), 0700);
    REQUIRE(::symlink("../hooks2/other", (hooks + "/out").c_str()) == 0);
    REQUIRE(::symlink("hooks/good", scene.path("in").c_str()) == 0);
    CHECK(refusal(hooks + "/good").empty());
    CHECK(refusal(scene.path("in")).empty());
    CHECK(has(refusal("hooks/good"), "not absolute"));
    CHECK(has(refusal(hooks + "/none"), "No such file"));
    CHECK(has(refusal(hooks + "/plain"), "not executable"));
    CHECK(has(refusal(hooks), "does not lie below"));
    CHECK(has(refusal(hooks + "/out"), "does not lie below"));
    CHECK(has(refusal(hooks + "/../hooks2/other"), "does not lie below"));
    CHECK(has(refusal(scene.path("hooks2/other")), "does not lie below"));
}
