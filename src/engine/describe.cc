// SPDX-License-Identifier: Apache-2.0
#include "engine/describe.hh"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/text.hh"
#include "base/time.hh"
#include "engine/spec_plan.hh"

namespace kist::engine {

using storage::ContainerView;
using storage::Status;

std::string state_word(const ContainerView& view) {
    if (!view.damage.empty()) return view.monitor_alive ? "running" : "corrupt";
    if (view.state.status == Status::stopping) return "running";
    return std::string(name_of(view.state.status));
}

namespace {

std::string since(std::int64_t moment) { return human_duration(std::chrono::nanoseconds(Moment::now().ns - moment)); }

/// "Stopping (hook poststop[0] '/x', 37 seconds)"
std::string hook_text(const storage::ContainerState& state) {
    const char* doing = state.status == Status::stopping ? "Stopping" : "Starting";
    return fmt::format("{} (hook {}, {})", doing, state.hook, since(state.hook_since));
}

/// As Docker writes it.
std::string health_text(storage::Health health) {
    if (health == storage::Health::none) return "";
    return (health == storage::Health::starting ? " (health: " : " (") + std::string(name_of(health)) + ")";
}

std::string restarting_text(const storage::ContainerState& state) {
    const std::int64_t left = std::max<std::int64_t>(state.next_start_at - Moment::now().ns, 0);
    const std::chrono::nanoseconds wait(left / 100'000'000 * 100'000'000); // to a tenth of a second
    return fmt::format("Restarting ({}) {} ago (next in {})", state.exit_code, since(state.finished_at),
                       to_go_duration(wait));
}

} // namespace

std::string status_text(const ContainerView& view) {
    if (!view.damage.empty()) return "Corrupt";
    const auto& state = view.state;
    switch (state.status) {
    case Status::created: return "Created";
    case Status::initialized: return "Initialized";
    case Status::running:
    case Status::stopping:
        if (!state.hook.empty()) return hook_text(state);
        return "Up " + since(state.started_at) + health_text(state.health);
    case Status::paused: return "Up " + since(state.started_at) + " (Paused)";
    case Status::exited: return fmt::format("Exited ({}) {} ago", state.exit_code, since(state.finished_at));
    case Status::restarting: return restarting_text(state);
    case Status::removing: return "Removal In Progress";
    case Status::dead: return "Dead";
    }
    return "";
}

std::int64_t tree_size(const Dir& dir) {
    std::int64_t bytes = 0;
    for (const std::string& name : dir.names()) {
        struct stat info {};
        if (fstatat(dir.fd().get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue; // it went meanwhile
        if (S_ISDIR(info.st_mode)) {
            if (auto inner = dir.open_dir_if_exists(name)) bytes += tree_size(*inner);
        } else if (S_ISREG(info.st_mode)) {
            bytes += info.st_size;
        }
    }
    return bytes;
}

DiskUse disk_use(Engine& engine, const storage::ContainerConfig& config) {
    DiskUse use;
    if (auto image = engine.images().find(config.image_id)) use.image = image->size;
    Dir data = engine.containers().data_dir(*ContainerId::parse(config.id));
    if (auto upper = data.open_dir_if_exists("upper")) use.own = tree_size(*upper);
    return use;
}

/// As Docker shows it: an argument with blanks is put in quotes.
std::string command_text(const storage::ContainerConfig& config) {
    std::string text;
    for (const std::string& word : process_args(config)) {
        const bool quoted = word.find(' ') != std::string::npos;
        text += (text.empty() ? "" : " ") + (quoted ? "'" + word + "'" : word);
    }
    return text;
}

} // namespace kist::engine
