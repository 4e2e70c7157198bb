// SPDX-License-Identifier: Apache-2.0
// Opens the engine for the first use case of a call.
#include "cli/session.hh"

#include <unistd.h>

#include "base/error.hh"
#include "base/log.hh"
#include "engine/host_config.hh"

namespace kist::cli {
namespace {

/// load_host_config has checked that it is one of these.
void set_log_level(std::string_view name) {
    using log::Level;
    constexpr std::pair<std::string_view, Level> levels[] = {
        {"error", Level::error}, {"warn", Level::warn}, {"info", Level::info}, {"debug", Level::debug}};
    for (const auto& [text, level] : levels)
        if (text == name) log::set_level(level);
}

} // namespace

Session::Session(engine::GlobalOptions globals, const Command& command, std::vector<std::string> args,
                 std::vector<std::string> argv)
    : globals_(std::move(globals)), command_(command), args_(std::move(args)), argv_(std::move(argv)) {}

engine::Engine& Session::engine() {
    if (engine_) return *engine_;
    if (::geteuid() != 0) throw Error("must be run as root (try sudo kist …)");
    engine_.emplace(engine::load_host_config(globals_));
    set_log_level(engine_->config().log_level);
    return *engine_;
}

} // namespace kist::cli
