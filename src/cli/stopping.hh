// SPDX-License-Identifier: Apache-2.0
// --time and --signal, as stop and restart take them.
#pragma once

#include <optional>
#include <string>

#include "base/error.hh"
#include "base/signals.hh"
#include "base/text.hh"
#include "cli/command.hh"
#include "cli/selection.hh"

namespace kist::cli {

struct Stopping : Selection {
    std::optional<int> timeout;
    std::string signal;
};

template <typename T>
constexpr std::array<Option<T>, 1> timeout_option() {
    return {{{{"t,time,timeout", "SECONDS", "Wait so long before killing; 0: kill at once, -1: wait for ever"},
              &T::timeout}}};
}
template <typename T>
constexpr std::array<Option<T>, 1> signal_option() {
    return {{{{"s,signal", "SIGNAL", "The signal to send, by name or number", Completes::signal}, &T::signal}}};
}

/// Nothing for an empty text. Throws UsageError.
inline std::optional<int> checked_signal(const std::string& text) {
    if (text.empty()) return std::nullopt;
    const std::optional<int> number = parse_signal(text);
    if (!number) throw UsageError("invalid value '{}' for --signal: no such signal", printable(text));
    return number;
}

} // namespace kist::cli
