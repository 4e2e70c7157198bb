// SPDX-License-Identifier: Apache-2.0
// Signal names by the C library's table, with the aliases that users write.
#include "base/signals.hh"

#include <array>
#include <cstring>
#include <utility>

#include "base/error.hh"
#include "base/text.hh"

namespace kist {

namespace {
constexpr int first_realtime = 34; // 32 and 33 belong to the C library's threads
constexpr int last_signal = 64;
constexpr int last_standard = 31;

constexpr auto aliases = std::to_array<std::pair<std::string_view, int>>(
    {{"IOT", SIGABRT}, {"CLD", SIGCHLD}, {"IO", SIGIO}, {"POLL", SIGIO}, {"UNUSED", SIGSYS}});

std::optional<int> offset(std::string_view text, char sign) {
    if (text.empty()) return 0;
    if (text.front() != sign) return std::nullopt;
    const auto n = parse_unsigned(text.substr(1), last_signal - first_realtime);
    if (!n) return std::nullopt;
    return static_cast<int>(*n);
}

std::optional<int> realtime_number(std::string_view name) {
    if (name.starts_with("RTMIN")) {
        const auto n = offset(name.substr(5), '+');
        if (n) return first_realtime + *n;
    } else if (name.starts_with("RTMAX")) {
        const auto n = offset(name.substr(5), '-');
        if (n) return last_signal - *n;
    }
    return std::nullopt;
}
} // namespace

std::optional<int> parse_signal(std::string_view text) {
    if (const auto number = parse_unsigned(text, last_signal))
        return *number == 0 ? std::nullopt : std::optional<int>(static_cast<int>(*number));
    const std::string upper = to_upper(text);
    std::string_view name = upper;
    if (name.starts_with("SIG")) name.remove_prefix(3);
    for (int n = 1; n <= last_standard; ++n)
        if (const char* known = ::sigabbrev_np(n); known != nullptr && name == known) return n;
    for (const auto& [alias, number] : aliases)
        if (name == alias) return number;
    return realtime_number(name);
}

std::string signal_name(int number) {
    if (const char* known = number <= last_standard ? ::sigabbrev_np(number) : nullptr)
        return std::string("SIG") + known;
    if (number == last_signal) return "SIGRTMAX";
    if (number == first_realtime) return "SIGRTMIN";
    if (number > first_realtime && number < last_signal) return fmt::format("SIGRTMIN+{}", number - first_realtime);
    return fmt::format("{}", number);
}

SignalMask::SignalMask(std::initializer_list<int> blocked) {
    ::sigemptyset(&blocked_);
    for (const int number : blocked) ::sigaddset(&blocked_, number);
    ::pthread_sigmask(SIG_BLOCK, &blocked_, &before_);
}

SignalMask::SignalMask(const sigset_t& blocked) : blocked_(blocked) {
    ::pthread_sigmask(SIG_BLOCK, &blocked_, &before_);
}

SignalMask::~SignalMask() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

} // namespace kist
