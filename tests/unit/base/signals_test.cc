// SPDX-License-Identifier: Apache-2.0
// Signals as users name them.
#include "base/signals.hh"

#include <catch2/catch_test_macros.hpp>

using namespace kist;

TEST_CASE("a signal goes by name in any case, with or without SIG, or by number") {
    for (const char* term : {"TERM", "SIGTERM", "sigterm", "Term", "15"}) CHECK(parse_signal(term) == SIGTERM);
    CHECK(parse_signal("RTMIN") == 34);
    CHECK(parse_signal("RTMIN+3") == 37);
    CHECK(parse_signal("SIGRTMAX-1") == 63);
    CHECK(parse_signal("SIGRTMAX") == 64);
    CHECK(parse_signal("64") == 64);
    CHECK(parse_signal("CLD") == SIGCHLD);
    CHECK(parse_signal("SIGPOLL") == SIGIO);
}

TEST_CASE("what is no signal is refused") {
    for (const char* bad : {"", "0", "65", "-1", "+9", " 9", "9 ", "SIG", "SIGSIGTERM", "NONE", "RTMIN+31", "RTMIN-1",
                            "RTMAX+1", "RTMAX-31", "RTMIN+", "KILL9", "99999999999999999999"})
        CHECK_FALSE(parse_signal(bad));
}

TEST_CASE("every signal's name reads back as the same number") {
    for (int n = 1; n <= 64; ++n) CHECK(parse_signal(signal_name(n)) == n);
    CHECK(signal_name(SIGKILL) == "SIGKILL");
    CHECK(signal_name(37) == "SIGRTMIN+3");
    CHECK(signal_name(64) == "SIGRTMAX");
}

TEST_CASE("a mask is undone with its owner") {
    const auto is_blocked = [](int number) {
        sigset_t now;
        ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
        return ::sigismember(&now, number) == 1;
    };
    {
        const SignalMask outer({SIGUSR1});
        const SignalMask inner({SIGUSR2});
        CHECK(is_blocked(SIGUSR1));
        CHECK(is_blocked(SIGUSR2));
    }
    CHECK_FALSE(is_blocked(SIGUSR1));
    CHECK_FALSE(is_blocked(SIGUSR2));
}
