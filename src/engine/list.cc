// SPDX-License-Identifier: Apache-2.0
// ps: which containers, and each one's row with the placeholders of Docker and Podman.
#include <algorithm>

#include "base/size.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "engine/containers.hh"
#include "engine/describe.hh"
#include "engine/spec_plan.hh"
#include "storage/image_store.hh"

namespace kist::engine {

namespace {

using storage::ContainerView;
using storage::Status;

bool is_shown_by_default(const ContainerView& view) {
    Status status = view.state.status;
    return view.monitor_alive || status == Status::running || status == Status::paused || status == Status::stopping;
}

std::string image_text(const storage::ContainerConfig& config) {
    if (!config.image_name.empty()) return config.image_name;
    return config.image_id.starts_with("sha256:") ? config.image_id.substr(7, 12) : config.image_id;
}

Value labels_object(const storage::ContainerConfig& config) {
    Value object = Value::object();
    for (const auto& [key, value] : config.labels) object.set(key, value);
    return object;
}

std::string labels_text(const storage::ContainerConfig& config) {
    std::vector<std::string> parts;
    for (const auto& [key, value] : config.labels) parts.push_back(key + "=" + value);
    return join(parts, ",");
}

std::string mounts_text(const storage::ContainerConfig& config, bool no_trunc) {
    std::vector<std::string> parts;
    for (const storage::MountConfig& mount : config.mounts)
        if (mount.type == "bind") parts.push_back(no_trunc ? mount.source : ellipsis(mount.source, 15));
    return join(parts, ",");
}

void add_times(Value& row, const ContainerView& view) {
    const auto& config = view.config;
    const auto& state = view.state;
    std::string ago = human_duration(std::chrono::nanoseconds(Moment::now().ns - config.created)) + " ago";
    row.set("CreatedAt", to_created_at({config.created}));
    row.set("Created", config.created / 1'000'000'000);
    row.set("CreatedHuman", ago);
    row.set("RunningFor", ago);
    row.set("StartedAt", state.started_at / 1'000'000'000);
    row.set("ExitedAt", state.finished_at / 1'000'000'000);
    row.set("ExitCode", state.exit_code);
    row.set("Exited", state.status == Status::exited);
}

} // namespace

std::vector<ContainerView> list(Engine& engine, const ListOptions& options) {
    auto filter = ContainerFilter::parse(engine, options.filters);
    bool filters_state = std::any_of(options.filters.begin(), options.filters.end(), [](const std::string& text) {
        return text.starts_with("status=") || text.starts_with("exited=");
    });
    bool all = options.all || options.last >= 0 || filters_state;
    std::vector<ContainerView> views = engine.containers().all();
    std::erase_if(views, [&](const ContainerView& view) {
        return !(all || is_shown_by_default(view)) || !filter.matches(view);
    });
    std::sort(views.begin(), views.end(), [](const ContainerView& a, const ContainerView& b) {
        return a.config.created != b.config.created ? a.config.created > b.config.created : a.config.id < b.config.id;
    });
    if (options.last >= 0 && views.size() > static_cast<std::size_t>(options.last))
        views.resize(static_cast<std::size_t>(options.last));
    return views;
}

Value ps_row(Engine& engine, const ContainerView& view, bool no_trunc, bool size) {
    const auto& config = view.config;
    Value row = Value::object();
    std::string command = command_text(config);
    row.set("ID", no_trunc ? config.id : config.id.substr(0, 12));
    row.set("Names", config.name);
    row.set("Image", image_text(config));
    row.set("ImageID", config.image_id.starts_with("sha256:") ? config.image_id.substr(7) : config.image_id);
    row.set("Command", "\"" + (no_trunc ? command : ellipsis(command, 20)) + "\"");
    add_times(row, view);
    row.set("Ports", "");
    row.set("State", state_word(view));
    row.set("Status", status_text(view));
    std::string size_text;
    if (size) {
        DiskUse use = disk_use(engine, config);
        size_text = human_size(static_cast<double>(use.own)) + " (virtual " +
                    human_size(static_cast<double>(use.own + use.image)) + ")";
    }
    row.set("Size", size_text);
    row.set("Labels", labels_text(config));
    row.set("LabelMap", labels_object(config));
    row.set("Mounts", mounts_text(config, no_trunc));
    row.set("LocalVolumes", "0");
    row.set("Networks", config.namespaces.network);
    row.set("Pid", view.state.pid);
    row.set("Restarts", view.state.restart_count);
    row.set("AutoRemove", config.auto_remove);
    row.set("CIDFile", config.cidfile);
    row.set("Pod", "");
    row.set("PodName", "");
    row.set("IsInfra", false);
    return row;
}

} // namespace kist::engine
