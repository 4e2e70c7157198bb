// SPDX-License-Identifier: Apache-2.0
// Diagnostics go to stderr in one write each, so that lines of several processes do not mix.
#include "base/log.hh"

#include <atomic>
#include <cerrno>
#include <string>

#include <unistd.h>

namespace kist::log {

namespace {
std::atomic<Level> threshold{Level::warn};

std::string_view level_name(Level level) {
    switch (level) {
    case Level::error: return "error";
    case Level::warn: return "warning";
    case Level::info: return "info";
    case Level::debug: return "debug";
    }
    return "";
}
} // namespace

void set_level(Level level) { threshold.store(level, std::memory_order_relaxed); }

bool enabled(Level level) { return level <= threshold.load(std::memory_order_relaxed); }

void write(Level level, std::string_view text) {
    if (!enabled(level)) return;
    const int saved = errno; // a diagnostic must not change the reason of the error that follows it
    const std::string line = fmt::format("{}: {}: {}\n", program_invocation_short_name, level_name(level), text);
    // A full or closed stderr is no reason to fail the command.
    [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
    errno = saved;
}

} // namespace kist::log
