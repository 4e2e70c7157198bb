// SPDX-License-Identifier: Apache-2.0
// The form of messages, and undo steps.
#include "base/error.hh"

#include <cerrno>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "base/log.hh"
#include "base/rollback.hh"

using namespace kist;

TEST_CASE("context goes in front of a message, outermost first") {
    Error error("mounting '{}': no", "/dev/shm");
    error.while_doing("starting container '{}'", "web").with_hint("try again");
    CHECK(error.message() == "starting container 'web': mounting '/dev/shm': no");
    CHECK(std::string(error.what()) == error.message());
    CHECK(error.hint() == "try again");
    CHECK(error.exit_code() == ExitCode::engine);
}

TEST_CASE("a failed system call names its reason in the kernel's words") {
    errno = EPERM;
    const SysError error("mounting '{}'", "/dev/shm");
    CHECK(error.message() == "mounting '/dev/shm': Operation not permitted");
    CHECK(error.code == EPERM);
    CHECK(SysError(SysError::Code{ENOENT}, "opening 'x'").message() == "opening 'x': No such file or directory");
    CHECK(errno_text(99999) == "error 99999");
}

TEST_CASE("what the user named and does not exist is exit code 1") {
    CHECK(NotFound("No such container: {}", "web").exit_code() == ExitCode::failure);
    CHECK(UsageError("unknown option").exit_code() == ExitCode::engine);
}

TEST_CASE("undo steps run backwards, all of them, unless the work was committed") {
    std::vector<int> done;
    {
        Rollback undo;
        undo.add([&] { done.push_back(1); });
        undo.add([&] { throw Error("this undo fails"); });
        undo.add([&] { done.push_back(2); });
    }
    CHECK(done == std::vector<int>{2, 1});
    {
        Rollback undo;
        undo.add([&] { done.push_back(3); });
        undo.commit();
    }
    CHECK(done.size() == 2);
}

TEST_CASE("diagnostics below the threshold are off") {
    CHECK(log::enabled(log::Level::warn));
    CHECK_FALSE(log::enabled(log::Level::debug));
    log::set_level(log::Level::error);
    CHECK_FALSE(log::enabled(log::Level::warn));
    log::set_level(log::Level::warn);
}

TEST_CASE("an error thrown with its hint keeps its type") {
    CHECK_THROWS_AS(throw UsageError("wrong").with_hint("do it so"), UsageError);
    CHECK_THROWS_AS(throw NotFound("no such thing").with_hint("make it"), NotFound);
    CHECK(NotFound("no such thing").with_hint("make it").hint() == "make it");
}
