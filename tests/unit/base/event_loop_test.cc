// SPDX-License-Identifier: Apache-2.0
// The order and the right moment of events.
#include "base/event_loop.hh"

#include <csignal>
#include <stdexcept>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <sys/resource.h>
#include <unistd.h>

using namespace kist;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST_CASE("timers fire once, in order, and not early") {
    EventLoop loop;
    std::vector<int> fired;
    const auto start = Clock::now();
    loop.after(20ms, [&] {
        fired.push_back(2);
        CHECK(Clock::now() - start >= 20ms);
        loop.stop();
    });
    loop.after(5ms, [&] { fired.push_back(1); });
    const auto never = loop.after(1ms, [&] { fired.push_back(99); });
    loop.cancel(never);
    loop.cancel(12345);
    loop.run();
    CHECK(fired == std::vector<int>{1, 2});
    CHECK(Clock::now() - start < 200ms);
}

TEST_CASE("a timer may set and cancel others, and a timer of no time does not starve the loop") {
    EventLoop loop;
    Pipe pipe = make_pipe();
    bool readable = false;
    int rounds = 0;
    EventLoop::TimerId doomed = 0;
    const std::function<void()> again = [&] {
        loop.cancel(doomed);
        if (++rounds == 3) write_full(pipe.write, "x", "pipe");
        loop.after(0ns, again);
    };
    loop.after(0ns, again);
    doomed = loop.after(0ns, [&] { FAIL("cancelled"); });
    loop.watch(pipe.read.get(), EPOLLIN, [&](std::uint32_t) {
        readable = true;
        loop.stop();
    });
    loop.run();
    CHECK(readable);
    CHECK(rounds < 10);
}

TEST_CASE("a round ends after its limit when nothing happens") {
    EventLoop loop;
    const auto start = Clock::now();
    loop.run_once(10ms);
    CHECK(Clock::now() - start >= 10ms);
    loop.run_once(0ms);
}

TEST_CASE("an event already fetched for a descriptor that was unwatched is dropped") {
    EventLoop loop;
    Pipe first = make_pipe(), second = make_pipe();
    write_full(first.write, "x", "pipe");
    write_full(second.write, "x", "pipe");
    int calls = 0;
    // Whichever comes first closes the other and opens something else, which gets the same number.
    const auto meet = [&](Pipe& own, Pipe& other) {
        return [&](std::uint32_t) {
            ++calls;
            loop.unwatch(own.read.get());
            if (calls > 1) return;
            loop.unwatch(other.read.get());
            const int number = other.read.get();
            other.read.reset();
            other.read = first.write.duplicate();
            REQUIRE(other.read.get() == number);
            loop.watch(number, EPOLLIN, [&](std::uint32_t) { FAIL("the event of a closed descriptor"); });
        };
    };
    loop.watch(first.read.get(), EPOLLIN, meet(first, second));
    loop.watch(second.read.get(), EPOLLIN, meet(second, first));
    loop.run_once(0ms);
    loop.run_once(0ms);
    CHECK(calls == 1);
}

TEST_CASE("nothing asked means nothing reported, hang-up included") {
    EventLoop loop;
    Pipe pipe = make_pipe();
    std::uint32_t seen = 0;
    loop.watch(pipe.read.get(), EPOLLIN, [&](std::uint32_t events) { seen = events; });
    loop.rearm(pipe.read.get(), 0);
    pipe.write.reset();
    loop.run_once(0ms);
    CHECK(seen == 0);
    loop.rearm(pipe.read.get(), EPOLLIN);
    loop.run_once(0ms);
    CHECK((seen & EPOLLHUP) != 0);
    loop.unwatch(pipe.read.get());
    loop.unwatch(pipe.read.get());
}

TEST_CASE("a handler may unwatch itself and its exceptions pass through") {
    EventLoop loop;
    Pipe pipe = make_pipe();
    write_full(pipe.write, "x", "pipe");
    const auto big = std::make_shared<std::vector<int>>(1000, 7); // lives in the handler
    loop.watch(pipe.read.get(), EPOLLIN, [&loop, &pipe, big](std::uint32_t) {
        loop.unwatch(pipe.read.get());
        if (big->at(999) == 7) throw std::runtime_error("from the handler");
    });
    CHECK_THROWS_AS(loop.run(), std::runtime_error);
    loop.run_once(0ms);
}

TEST_CASE("signals arrive in the loop, one call each, and are unblocked with it") {
    std::vector<int> seen;
    {
        EventLoop loop;
        loop.on_signals({SIGUSR1, SIGUSR2}, [&](const signalfd_siginfo& info) {
            seen.push_back(static_cast<int>(info.ssi_signo));
            CHECK(info.ssi_pid == static_cast<std::uint32_t>(::getpid()));
        });
        loop.on_signals({SIGWINCH}, [&](const signalfd_siginfo&) { loop.stop(); });
        ::kill(::getpid(), SIGUSR1);
        ::kill(::getpid(), SIGUSR2);
        ::kill(::getpid(), SIGWINCH);
        loop.run();
        loop.run_once(0ms);
    }
    CHECK(seen == std::vector<int>{SIGUSR1, SIGUSR2});
    sigset_t now;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
    CHECK(::sigismember(&now, SIGUSR1) == 0);
}

TEST_CASE("an idle loop does not wake up") {
    EventLoop loop;
    const Pipe pipe = make_pipe();
    loop.watch(pipe.read.get(), EPOLLIN, [](std::uint32_t) {});
    rusage before{}, after{};
    ::getrusage(RUSAGE_SELF, &before);
    loop.after(100ms, [&] { loop.stop(); });
    loop.run();
    ::getrusage(RUSAGE_SELF, &after);
    CHECK(after.ru_nvcsw - before.ru_nvcsw <= 2);
}
