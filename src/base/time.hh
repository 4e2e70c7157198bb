// SPDX-License-Identifier: Apache-2.0
// Moments and durations in the forms Docker's users write and read.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kist {

/// Wall-clock moment in nanoseconds since 1970 (UTC); 0 means "never" and prints as 0001-01-01T00:00:00Z, as Docker's.
struct Moment {
    std::int64_t ns = 0;
    static Moment now();
    bool is_set() const { return ns != 0; }
    auto operator<=>(const Moment&) const = default;
};

/// RFC 3339 with nanoseconds, UTC: "2026-11-20T08:00:01.123456789Z" (trailing zeros dropped, as Go's RFC3339Nano).
std::string to_rfc3339(Moment);
/// RFC 3339 with any offset; nothing when malformed.
std::optional<Moment> parse_rfc3339(std::string_view text);
/// "2026-11-20 08:00:01 +0000 UTC": Docker's .CreatedAt.
std::string to_created_at(Moment);
/// --since and --until: RFC 3339 (also shortened: date, date and time), Unix seconds with fraction, or a Go duration
/// before `now` ("1h30m"). Throws UsageError.
Moment parse_when(std::string_view text, Moment now);

/// Go's time.ParseDuration: "1h2m3.5s", "300ms", "-1s", "0". Nothing when malformed or out of range of int64 ns.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);
/// Go's Duration.String(): "1m30s", "1.5s", "0s".
std::string to_go_duration(std::chrono::nanoseconds);
/// Docker's units.HumanDuration: "Less than a second", "5 seconds", "About a minute", "3 hours", "2 weeks", "5 months".
std::string human_duration(std::chrono::nanoseconds);

} // namespace kist
