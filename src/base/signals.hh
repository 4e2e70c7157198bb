// SPDX-License-Identifier: Apache-2.0
// Signal names and numbers as users write them, and masks that are restored.
#pragma once

#include <csignal>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace kist {

/// "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3", "SIGRTMAX-1"; nothing for anything else. 0 is not a signal.
std::optional<int> parse_signal(std::string_view text);
/// "SIGTERM", "SIGRTMIN+3".
std::string signal_name(int number);

/// Blocks signals in this thread until destroyed, so that a signalfd can take them.
class SignalMask {
public:
    explicit SignalMask(std::initializer_list<int> blocked);
    explicit SignalMask(const sigset_t& blocked);
    SignalMask(const SignalMask&) = delete;
    SignalMask& operator=(const SignalMask&) = delete;
    ~SignalMask();
    const sigset_t& blocked() const { return blocked_; }

private:
    sigset_t blocked_{};
    sigset_t before_{};
};

} // namespace kist
