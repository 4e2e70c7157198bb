// SPDX-License-Identifier: Apache-2.0
// Diagnostics for the developer and the curious (--log-level=debug), on stderr. Errors for the user are thrown instead.
#pragma once

#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace kist::log {

enum class Level { error, warn, info, debug };
/// The one mutable process-wide setting (STYLE 2.3). Default: warn.
void set_level(Level);
bool enabled(Level);
void write(Level, std::string_view text);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::debug)) write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::warn)) write(Level::warn, fmt::format(format, std::forward<Args>(args)...));
}

} // namespace kist::log
