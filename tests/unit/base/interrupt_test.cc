// SPDX-License-Identifier: Apache-2.0
#include "base/interrupt.hh"

#include <csignal>
#include <functional>
#include <optional>

#include <catch2/catch_test_macros.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hh"

using namespace kist;

namespace {

/// How a process ended that did `body`, and what was written to the pipe that it got.
struct Ended {
    int status;
    std::string said;
};
Ended in_process(const std::function<void(const Fd&)>& body) {
    Pipe pipe = make_pipe();
    const pid_t pid = ::fork();
    if (pid == 0) {
        for (const int number : {SIGINT, SIGTERM, SIGHUP})
            (void)::signal(number, SIG_DFL); // the test program has handlers
        body(pipe.write);
        ::_exit(7);
    }
    pipe.write.reset();
    Ended ended{0, std::string(64, '\0')};
    ended.said.resize(read_full(pipe.read, ended.said, "pipe"));
    ::waitpid(pid, &ended.status, 0);
    return ended;
}

} // namespace

TEST_CASE("a signal cleans and then ends the process as ever") {
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        const Ended ended = in_process([&](const Fd& out) {
            const CleanOnInterrupt clean([&] { write_full(out, "cleaned", "pipe"); });
            ::kill(::getpid(), number);
            ::sleep(10);
        });
        CHECK(ended.said == "cleaned");
        REQUIRE(WIFSIGNALED(ended.status));
        CHECK(WTERMSIG(ended.status) == number);
    }
}

TEST_CASE("what fails because of the signal is not told") {
    const Ended ended = in_process([](const Fd& out) {
        {
            const CleanOnInterrupt clean([] {});
            ::kill(::getpid(), SIGINT);
        }
        write_full(out, "told", "pipe");
    });
    CHECK(ended.said.empty());
    CHECK(WIFSIGNALED(ended.status));
}

TEST_CASE("an ignored signal stays ignored, and nothing happens without one") {
    const Ended ended = in_process([](const Fd& out) {
        (void)::signal(SIGHUP, SIG_IGN);
        {
            const CleanOnInterrupt clean([&] { write_full(out, "cleaned", "pipe"); });
            ::kill(::getpid(), SIGHUP);
        }
        write_full(out, "went on", "pipe");
    });
    CHECK(ended.said == "went on");
    CHECK(WIFEXITED(ended.status));
}
