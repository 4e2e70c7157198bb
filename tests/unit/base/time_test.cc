// SPDX-License-Identifier: Apache-2.0
// Golden moments and durations: what Go's time package and docker's units print and take.
#include "base/time.hh"

#include <cstdlib>
#include <ctime>

#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"

using namespace kist;
using namespace std::chrono_literals;

namespace {
constexpr std::int64_t second = 1'000'000'000;
const Moment known{1'795'161'601 * second + 123'456'789}; // 2026-11-20T08:00:01.123456789Z
} // namespace

TEST_CASE("moments are written as Go's RFC3339Nano") {
    CHECK(to_rfc3339(known) == "2026-11-20T08:00:01.123456789Z");
    CHECK(to_rfc3339({known.ns / second * second}) == "2026-11-20T08:00:01Z");
    CHECK(to_rfc3339({known.ns / second * second + 120'000'000}) == "2026-11-20T08:00:01.12Z");
    CHECK(to_rfc3339({}) == "0001-01-01T00:00:00Z");
    CHECK(to_rfc3339({-1}) == "1969-12-31T23:59:59.999999999Z");
    CHECK(to_created_at(known) == "2026-11-20 08:00:01 +0000 UTC");
    CHECK(Moment::now() > Moment{1'700'000'000 * second});
}

TEST_CASE("RFC 3339 is read with any offset, and nothing else is") {
    CHECK(parse_rfc3339("2026-11-20T08:00:01.123456789Z") == known);
    CHECK(parse_rfc3339("2026-11-20T10:00:01.123456789+02:00") == known);
    CHECK(parse_rfc3339("2026-11-19T23:30:01.123456789-08:30") == known);
    CHECK(parse_rfc3339("2026-11-20T08:00:01.1234567899999Z") == known);
    CHECK(parse_rfc3339("2024-02-29T00:00:00Z"));
    CHECK(parse_rfc3339("0001-01-01T00:00:00Z") == Moment{});
    for (const char* bad :
         {"", "2026-11-20", "2026-11-20T08:00:01", "2026-11-20 08:00:01Z", "2026-13-20T08:00:01Z",
          "2023-02-29T00:00:00Z", "2026-11-20T24:00:00Z", "2026-11-20T08:60:00Z", "2026-11-20T08:00:01.Z",
          "2026-11-20T08:00:01Zx", "2026-1-20T08:00:01Z", "9999-01-01T00:00:00Z", "+026-11-20T08:00:01Z"})
        CHECK_FALSE(parse_rfc3339(bad));
}

TEST_CASE("--since takes dates, Unix seconds and durations") {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    const Moment now{1000 * second};
    CHECK(parse_when("1m30s", now).ns == 910 * second);
    CHECK(parse_when("1136073845.5", now).ns == 1'136'073'845 * second + 500'000'000);
    CHECK(parse_when("42", now).ns == 42 * second);
    CHECK(parse_when("2026-11-20T08:00:01.123456789Z", now) == known);
    CHECK(parse_when("2026-11-20T08:00:01.123456789", now) == known);
    CHECK(parse_when("2026-11-20 08:00", now).ns == known.ns / second * second - second);
    CHECK(parse_when("2026-11-20", now).ns == known.ns / second * second - (8 * 3600 + 1) * second);
    CHECK(parse_when("2026-11-20T10:00+02:00", now).ns == known.ns / second * second - second);
    for (const char* bad : {"", "yesterday", "-", "1.x", "2026-11", "2026-11-31", "1h1"})
        CHECK_THROWS_AS(parse_when(bad, now), UsageError);
}

TEST_CASE("durations are read as Go does") {
    CHECK(parse_duration("0") == 0ns);
    CHECK(parse_duration("1h2m3.5s") == 1h + 2min + 3500ms);
    CHECK(parse_duration("300ms") == 300ms);
    CHECK(parse_duration("-1s") == -1s);
    CHECK(parse_duration("+1.5h") == 90min);
    CHECK(parse_duration(".5s") == 500ms);
    CHECK(parse_duration("1.s") == 1s);
    CHECK(parse_duration("1us") == 1us);
    CHECK(parse_duration("1µs") == 1us);
    CHECK(parse_duration("1μs") == 1us);
    CHECK(parse_duration("0.3333333333333333333h") == std::chrono::nanoseconds(1'200'000'000'000 - 1));
    CHECK(parse_duration("9223372036854775807ns") == std::chrono::nanoseconds(INT64_MAX));
    CHECK(parse_duration("-9223372036854775808ns") == std::chrono::nanoseconds(INT64_MIN));
    for (const char* bad : {"", "-", "3", "1x", ".s", "s", "1 s", "1h 2m", "--1s", "9223372036854775808ns", "3000000h",
                            "1e3s", "99999999999999999999s"})
        CHECK_FALSE(parse_duration(bad));
}

TEST_CASE("durations are written as Go does") {
    CHECK(to_go_duration(0ns) == "0s");
    CHECK(to_go_duration(1ns) == "1ns");
    CHECK(to_go_duration(1100ns) == "1.1µs");
    CHECK(to_go_duration(2200us) == "2.2ms");
    CHECK(to_go_duration(3300ms) == "3.3s");
    CHECK(to_go_duration(90s) == "1m30s");
    CHECK(to_go_duration(4min + 5001ms) == "4m5.001s");
    CHECK(to_go_duration(1h) == "1h0m0s");
    CHECK(to_go_duration(-90min) == "-1h30m0s");
    CHECK(to_go_duration(std::chrono::nanoseconds(INT64_MAX)) == "2562047h47m16.854775807s");
    CHECK(to_go_duration(std::chrono::nanoseconds(INT64_MIN)) == "-2562047h47m16.854775808s");
}

TEST_CASE("durations are told to humans as docker does") {
    CHECK(human_duration(450ms) == "Less than a second");
    CHECK(human_duration(1s) == "1 second");
    CHECK(human_duration(45s) == "45 seconds");
    CHECK(human_duration(60s) == "About a minute");
    CHECK(human_duration(119s) == "About a minute");
    CHECK(human_duration(3min) == "3 minutes");
    CHECK(human_duration(59min) == "59 minutes");
    CHECK(human_duration(1h) == "About an hour");
    CHECK(human_duration(1h + 45min) == "2 hours");
    CHECK(human_duration(35h) == "35 hours");
    CHECK(human_duration(24h * 3) == "3 days");
    CHECK(human_duration(24h * 15) == "2 weeks");
    CHECK(human_duration(24h * 70) == "2 months");
    CHECK(human_duration(24h * 740) == "2 years");
}
