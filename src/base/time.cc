// SPDX-License-Identifier: Apache-2.0
// Moments by the proleptic Gregorian calendar of <chrono>; durations by the rules of Go's time package and go-units.
#include "base/time.hh"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

#include <fmt/format.h>

#include "base/error.hh"
#include "base/text.hh"

namespace kist {

namespace {

constexpr std::int64_t ns_per_second = 1'000'000'000;
constexpr std::string_view never = "0001-01-01T00:00:00Z";

struct Parts {
    int year = 0;
    unsigned month = 0, day = 0;
    int hour = 0, minute = 0, second = 0;
    std::int64_t ns = 0;
};

Parts parts_of(Moment moment) {
    using namespace std::chrono;
    const sys_time<nanoseconds> time{nanoseconds(moment.ns)};
    const auto midnight = floor<days>(time);
    const year_month_day date{midnight};
    const hh_mm_ss clock{time - midnight};
    return {int{date.year()},
            unsigned{date.month()},
            unsigned{date.day()},
            static_cast<int>(clock.hours().count()),
            static_cast<int>(clock.minutes().count()),
            static_cast<int>(clock.seconds().count()),
            clock.subseconds().count()};
}

/// Reads fixed-width numbers and separators off the front of a text; `ok` turns false at the first that does not fit.
struct Scanner {
    std::string_view rest;
    bool ok = true;

    int number(std::size_t width, int low, int high) {
        const auto n = rest.size() < width ? std::nullopt : parse_unsigned(rest.substr(0, width));
        if (!ok || !n || static_cast<int>(*n) < low || static_cast<int>(*n) > high) {
            ok = false;
            return 0;
        }
        rest.remove_prefix(width);
        return static_cast<int>(*n);
    }
    void expect(std::string_view any_of) {
        if (!take(any_of)) ok = false;
    }
    bool take(std::string_view any_of) {
        if (!ok || rest.empty() || any_of.find(rest.front()) == std::string_view::npos) return false;
        rest.remove_prefix(1);
        return true;
    }
    /// The digits behind a decimal point as nanoseconds; more than nine are cut.
    std::int64_t fraction() {
        std::int64_t ns = 0;
        std::size_t digits = 0;
        for (; !rest.empty() && rest.front() >= '0' && rest.front() <= '9'; ++digits, rest.remove_prefix(1))
            if (digits < 9) ns = ns * 10 + (rest.front() - '0');
        if (digits == 0) ok = false;
        for (; digits < 9; ++digits) ns *= 10;
        return ns;
    }
};

Parts scan_date(Scanner& scan) {
    Parts parts;
    parts.year = scan.number(4, 0, 9999);
    scan.expect("-");
    parts.month = static_cast<unsigned>(scan.number(2, 1, 12));
    scan.expect("-");
    parts.day = static_cast<unsigned>(scan.number(2, 1, 31));
    return parts;
}

void scan_clock(Scanner& scan, Parts& parts, bool may_be_short) {
    parts.hour = scan.number(2, 0, 23);
    if (may_be_short && (scan.rest.empty() || scan.rest.front() != ':')) return;
    scan.expect(":");
    parts.minute = scan.number(2, 0, 59);
    if (may_be_short && (scan.rest.empty() || scan.rest.front() != ':')) return;
    scan.expect(":");
    parts.second = scan.number(2, 0, 59);
    if (scan.take(".")) parts.ns = scan.fraction();
}

/// Seconds east of UTC.
int scan_offset(Scanner& scan) {
    if (scan.take("Z")) return 0;
    const bool west = !scan.rest.empty() && scan.rest.front() == '-';
    scan.expect("+-");
    const int hours = scan.number(2, 0, 23);
    scan.expect(":");
    const int seconds = hours * 3600 + scan.number(2, 0, 59) * 60;
    return west ? -seconds : seconds;
}

bool is_real_date(const Parts& parts) {
    using namespace std::chrono;
    return year_month_day{year{parts.year}, month{parts.month}, day{parts.day}}.ok();
}

std::optional<Moment> from_seconds(std::int64_t seconds, std::int64_t ns) {
    if (seconds < INT64_MIN / ns_per_second + 1 || seconds > INT64_MAX / ns_per_second - 1) return std::nullopt;
    return Moment{seconds * ns_per_second + ns};
}

std::int64_t utc_seconds(const Parts& parts) {
    using namespace std::chrono;
    const sys_days date{year_month_day{year{parts.year}, month{parts.month}, day{parts.day}}};
    return seconds(date.time_since_epoch()).count() + parts.hour * 3600 + parts.minute * 60 + parts.second;
}

/// By the host's time zone: what a user means who writes none.
std::int64_t local_seconds(const Parts& parts) {
    std::tm local{};
    local.tm_year = parts.year - 1900;
    local.tm_mon = static_cast<int>(parts.month) - 1;
    local.tm_mday = static_cast<int>(parts.day);
    local.tm_hour = parts.hour;
    local.tm_min = parts.minute;
    local.tm_sec = parts.second;
    local.tm_isdst = -1;
    return std::mktime(&local);
}

/// "2026-11-20", "2026-11-20T08", "2026-11-20T08:15", "2026-11-20T08:15:30.5", each with or without an offset.
std::optional<Moment> parse_date(std::string_view text) {
    Scanner scan{text};
    Parts parts = scan_date(scan);
    if (scan.take("T ")) scan_clock(scan, parts, true);
    const bool is_local = scan.rest.empty();
    const int offset = is_local ? 0 : scan_offset(scan);
    if (!scan.ok || !scan.rest.empty() || !is_real_date(parts)) return std::nullopt;
    return from_seconds(is_local ? local_seconds(parts) : utc_seconds(parts) - offset, parts.ns);
}

std::optional<Moment> parse_unix(std::string_view text) {
    const auto dot = text.find('.');
    const auto seconds = parse_unsigned(text.substr(0, dot), INT64_MAX / ns_per_second - 1);
    if (!seconds) return std::nullopt;
    Scanner scan{dot == std::string_view::npos ? "0" : text.substr(dot + 1)};
    const std::int64_t ns = scan.fraction();
    if (!scan.ok || !scan.rest.empty()) return std::nullopt;
    return from_seconds(static_cast<std::int64_t>(*seconds), ns);
}

/// "1.500" gives "1.5", "1.000" gives "1".
std::string drop_trailing_zeros(std::string text) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text;
}

} // namespace

Moment Moment::now() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return {std::int64_t{now.tv_sec} * ns_per_second + now.tv_nsec};
}

std::string to_rfc3339(Moment moment) {
    if (!moment.is_set()) return std::string(never);
    const Parts p = parts_of(moment);
    const std::string seconds =
        p.ns == 0 ? fmt::format("{:02}", p.second) : drop_trailing_zeros(fmt::format("{:02}.{:09}", p.second, p.ns));
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{}Z", p.year, p.month, p.day, p.hour, p.minute, seconds);
}

std::optional<Moment> parse_rfc3339(std::string_view text) {
    if (text == never) return Moment{};
    Scanner scan{text};
    Parts parts = scan_date(scan);
    scan.expect("T");
    scan_clock(scan, parts, false);
    const int offset = scan_offset(scan);
    if (!scan.ok || !scan.rest.empty() || !is_real_date(parts)) return std::nullopt;
    return from_seconds(utc_seconds(parts) - offset, parts.ns);
}

std::string to_created_at(Moment moment) {
    const Parts p = parts_of(moment);
    if (!moment.is_set()) return "0001-01-01 00:00:00 +0000 UTC";
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} +0000 UTC", p.year, p.month, p.day, p.hour, p.minute,
                       p.second);
}

Moment parse_when(std::string_view text, Moment now) {
    if (const auto ago = parse_duration(text)) {
        std::int64_t ns;
        if (!__builtin_sub_overflow(now.ns, ago->count(), &ns)) return Moment{ns};
    }
    if (const auto seconds = parse_unix(text)) return *seconds;
    if (const auto date = parse_date(text)) return *date;
    throw UsageError("invalid time '{}': expected a date as 2026-11-20T08:00:00Z, Unix seconds, or a duration as 1h30m",
                     printable(text));
}

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t ns;
};
// Both code points that Unicode has for micro.
constexpr auto units = std::to_array<Unit>({{"ns", 1},
                                            {"us", 1'000},
                                            {"µs", 1'000},
                                            {"μs", 1'000},
                                            {"ms", 1'000'000},
                                            {"s", 1'000'000'000},
                                            {"m", 60'000'000'000},
                                            {"h", 3'600'000'000'000}});

std::string_view take_digits(std::string_view& text) {
    const std::string_view digits = text.substr(0, std::min(text.find_first_not_of("0123456789"), text.size()));
    text.remove_prefix(digits.size());
    return digits;
}

/// One "1.5h" off the front, in nanoseconds.
std::optional<std::uint64_t> take_term(std::string_view& text) {
    const std::string_view whole = take_digits(text);
    std::string_view fraction;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        fraction = take_digits(text);
    }
    const std::string_view name = text.substr(0, std::min(text.find_first_of(".0123456789"), text.size()));
    const auto unit = std::ranges::find(units, name, &Unit::name);
    const auto n = whole.empty() ? std::optional<std::uint64_t>(0) : parse_unsigned(whole);
    if ((whole.empty() && fraction.empty()) || unit == units.end() || !n) return std::nullopt;
    text.remove_prefix(name.size());
    std::uint64_t ns;
    if (__builtin_mul_overflow(*n, unit->ns, &ns)) return std::nullopt;
    // More digits than these are far below a nanosecond; Go cuts them too.
    const std::string_view counted = fraction.substr(0, 18);
    if (const auto part = parse_unsigned(counted)) {
        const double scale = std::pow(10, static_cast<double>(counted.size()));
        ns += static_cast<std::uint64_t>(static_cast<double>(*part) * (static_cast<double>(unit->ns) / scale));
    }
    return ns;
}

} // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    if (text == "0") return std::chrono::nanoseconds(0);
    if (text.empty()) return std::nullopt;
    constexpr std::uint64_t most = std::uint64_t{1} << 63; // of a negative one
    std::uint64_t total = 0;
    while (!text.empty()) {
        const auto term = take_term(text);
        if (!term || *term > most || total + *term > most) return std::nullopt;
        total += *term;
    }
    if (total == most && !negative) return std::nullopt;
    return std::chrono::nanoseconds(static_cast<std::int64_t>(negative ? -total : total));
}

std::string to_go_duration(std::chrono::nanoseconds duration) {
    if (duration.count() == 0) return "0s";
    const std::string sign = duration.count() < 0 ? "-" : "";
    const auto bits = static_cast<std::uint64_t>(duration.count());
    const std::uint64_t ns = sign.empty() ? bits : -bits;
    if (ns < 1'000) return fmt::format("{}{}ns", sign, ns);
    if (ns < 1'000'000) return sign + drop_trailing_zeros(fmt::format("{}.{:03}", ns / 1'000, ns % 1'000)) + "µs";
    if (ns < 1'000'000'000)
        return sign + drop_trailing_zeros(fmt::format("{}.{:06}", ns / 1'000'000, ns % 1'000'000)) + "ms";
    const std::uint64_t seconds = ns / 1'000'000'000;
    const std::string tail = drop_trailing_zeros(fmt::format("{}.{:09}", seconds % 60, ns % 1'000'000'000)) + "s";
    if (seconds < 60) return sign + tail;
    if (seconds < 3600) return fmt::format("{}{}m{}", sign, seconds / 60, tail);
    return fmt::format("{}{}h{}m{}", sign, seconds / 3600, seconds / 60 % 60, tail);
}

std::string human_duration(std::chrono::nanoseconds duration) {
    const std::int64_t seconds = duration.count() / ns_per_second;
    if (seconds < 1) return "Less than a second";
    if (seconds == 1) return "1 second";
    if (seconds < 60) return fmt::format("{} seconds", seconds);
    const std::int64_t minutes = seconds / 60;
    if (minutes == 1) return "About a minute";
    if (minutes < 60) return fmt::format("{} minutes", minutes);
    const std::int64_t hours = (duration.count() / ns_per_second + 1800) / 3600;
    if (hours == 1) return "About an hour";
    if (hours < 48) return fmt::format("{} hours", hours);
    if (hours < 24 * 7 * 2) return fmt::format("{} days", hours / 24);
    if (hours < 24 * 30 * 2) return fmt::format("{} weeks", hours / 24 / 7);
    if (hours < 24 * 365 * 2) return fmt::format("{} months", hours / 24 / 30);
    return fmt::format("{} years", seconds / 3600 / 24 / 365);
}

} // namespace kist
