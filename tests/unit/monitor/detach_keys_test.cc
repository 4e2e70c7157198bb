// SPDX-License-Identifier: Apache-2.0
#include "monitor/detach_keys.hh"

#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"

using namespace kist;
using namespace kist::monitor;

namespace {
struct Typed {
    DetachMatcher matcher{"\x10\x11"};
    std::string forwarded;
    bool feed(std::string_view keys) { return matcher.feed(keys, forwarded); }
};
} // namespace

TEST_CASE("detach keys are characters and control keys") {
    CHECK(parse_detach_keys("ctrl-p,ctrl-q") == "\x10\x11");
    CHECK(parse_detach_keys("").empty());
    CHECK(parse_detach_keys("a,ctrl-a,Z") == std::string("a\x01Z"));
    CHECK(parse_detach_keys("ctrl-@") == std::string(1, '\0'));
    CHECK(parse_detach_keys("ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_") == "\x1b\x1c\x1d\x1e\x1f");
    for (const char* bad : {"ctrl-", "ctrl-1", "ctrl-pp", "ab", ",", "a,,b", "alt-x"})
        CHECK_THROWS_AS(parse_detach_keys(bad), UsageError);
}

TEST_CASE("the sequence detaches, also split over reads, and is not forwarded") {
    Typed whole;
    CHECK(whole.feed("ls\n\x10\x11 rest"));
    CHECK(whole.forwarded == "ls\n");
    Typed split;
    CHECK_FALSE(split.feed("a\x10"));
    CHECK(split.forwarded == "a");
    CHECK(split.matcher.is_holding());
    CHECK(split.feed("\x11"));
    CHECK(split.forwarded == "a");
}

TEST_CASE("the next key or the end of the pause brings a held key to the container") {
    Typed next;
    CHECK_FALSE(next.feed("\x10x"));
    CHECK(next.forwarded == "\x10x");
    Typed again;
    CHECK_FALSE(again.feed("\x10\x10"));
    CHECK(again.forwarded == "\x10");
    CHECK(again.feed("\x11"));
    Typed pause;
    CHECK_FALSE(pause.feed("\x10"));
    CHECK(pause.matcher.take_held() == "\x10");
    CHECK_FALSE(pause.feed("\x11"));
    CHECK(pause.forwarded == "\x11");
}

TEST_CASE("no sequence: everything is forwarded at once") {
    DetachMatcher matcher{""};
    std::string forwarded;
    CHECK_FALSE(matcher.feed("\x10\x11", forwarded));
    CHECK(forwarded == "\x10\x11");
}
