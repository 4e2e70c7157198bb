// SPDX-License-Identifier: Apache-2.0
#include "engine/exec_session.hh"

#include <algorithm>

#include <fcntl.h>

#include "base/ids.hh"
#include "base/log.hh"
#include "base/process.hh"
#include "base/text.hh"
#include "engine/tell.hh"

namespace kist::engine {

namespace {

constexpr const char* folder = "exec"; ///< removed by the monitor at the container's end
constexpr std::size_t line_limit = 128;

/// Not made anew: that of a container which has just gone stays gone.
Dir run_folder(Engine& engine, const std::string& id) {
    return engine.store().run().open_dir("containers").open_dir(id);
}

/// "pid start-time": names the process without reuse.
bool is_alive(const Dir& sessions, const std::string& id) {
    const auto text = read_file_if_exists(sessions, id, line_limit);
    if (!text) return false;
    const auto [pid, start] = split_once(trim(*text), ' ');
    const auto number = parse_unsigned(pid, INT32_MAX);
    return number && start && process_start_time(static_cast<pid_t>(*number)) == parse_unsigned(*start);
}

} // namespace

ExecSession::ExecSession(Engine& engine, const storage::ContainerView& view, std::string command)
    : engine_(engine), config_(view.config), command_(std::move(command)), id_(random_hex(32)) {}

void ExecSession::started(pid_t pid) const noexcept {
    tell(engine_, config_, "exec_start: " + command_, {{"execID", id_}});
    try {
        const Dir sessions = run_folder(engine_, config_.id).create_dir(folder);
        const auto file = sessions.open_file(id_, O_WRONLY | O_CREAT | O_EXCL);
        if (file) write_full(*file, fmt::format("{} {}", pid, process_start_time(pid).value_or(0)), id_);
    } catch (const std::exception& error) {
        log::debug("listing an exec: {}", error.what());
    }
}

int ExecSession::ended(int code) const noexcept {
    tell(engine_, config_, "exec_die", {{"execID", id_}, {"exitCode", std::to_string(code)}});
    try {
        const Dir run = run_folder(engine_, config_.id);
        if (const auto sessions = run.open_dir_if_exists(folder)) sessions->remove_file(id_);
    } catch (const std::exception& error) { // the container has gone
        log::debug("an exec has ended: {}", error.what());
    }
    return code;
}

std::vector<std::string> exec_ids(Engine& engine, const storage::ContainerView& view) {
    std::vector<std::string> ids;
    if (!is_running(view.state.status)) return ids;
    try {
        const Dir run = run_folder(engine, view.config.id);
        const auto sessions = run.open_dir_if_exists(folder);
        if (!sessions) return ids;
        for (const std::string& id : sessions->names())
            if (is_alive(*sessions, id)) ids.push_back(id);
    } catch (const SysError&) { // it went while we looked
    }
    std::sort(ids.begin(), ids.end());
    return ids;
}

} // namespace kist::engine
