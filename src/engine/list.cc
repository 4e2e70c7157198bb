// SPDX-License-Identifier: Apache-2.0
// ps: which containers, and each one's row with the placeholders of Docker and Podman.
#include <algorithm>
#include <functional>

#include "base/size.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "engine/containers.hh"
#include "engine/describe.hh"
#include "engine/row_builder.hh"
#include "engine/spec_plan.hh"
#include "storage/image_store.hh"

namespace kist::engine {

namespace {

using storage::ContainerView;
using storage::Status;

bool is_shown_by_default(const ContainerView& view) {
    Status status = view.state.status;
    return (view.monitor_alive || is_up(status)) && status != Status::initialized;
}

std::string image_text(const storage::ContainerConfig& config) {
    if (!config.image_name.empty()) return config.image_name;
    if (!config.rootfs.empty()) return config.rootfs;
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
        if (const std::string& text = mount.type == "bind" ? mount.source : mount.name; !text.empty())
            parts.push_back(no_trunc ? text : ellipsis(text, 15));
    return join(parts, ",");
}

void add_times(RowBuilder& row, const ContainerView& view) {
    const auto& config = view.config;
    const auto& state = view.state;
    auto ago = [&] { return human_duration(std::chrono::nanoseconds(Moment::now().ns - config.created)) + " ago"; };
    row.add("CreatedAt", [&] { return to_created_at({config.created}); });
    row.add("Created", [&] { return config.created / 1'000'000'000; });
    row.add("CreatedHuman", ago);
    row.add("RunningFor", ago);
    row.add("StartedAt", [&] { return state.started_at / 1'000'000'000; });
    row.add("ExitedAt", [&] { return state.finished_at / 1'000'000'000; });
    row.add("ExitCode", [&] { return state.exit_code; });
    row.add("Exited", [&] { return state.status == Status::exited; });
}

std::string size_text(Engine& engine, const storage::ContainerConfig& config) {
    DiskUse use = disk_use(engine, config);
    return human_size(static_cast<double>(use.own)) + " (virtual " +
           human_size(static_cast<double>(use.own + use.image)) + ")";
}

} // namespace

std::vector<ContainerView> list(Engine& engine, const ListOptions& options) {
    auto filter = ContainerFilter::parse(engine, options.filters);
    bool filters_state = std::any_of(options.filters.begin(), options.filters.end(), [](const std::string& text) {
        return text.starts_with("status=") || text.starts_with("exited=");
    });
    bool all = options.all || options.last >= 0 || filters_state;
    std::vector<ContainerView> views = engine.containers().all();
    std::erase_if(
        views, [&](const ContainerView& view) { return !(all || is_shown_by_default(view)) || !filter.matches(view); });
    std::vector<ContainerView*> order; // a view is large: each is moved once
    for (ContainerView& view : views) order.push_back(&view);
    std::sort(order.begin(), order.end(), [](const ContainerView* a, const ContainerView* b) {
        return a->config.created != b->config.created ? a->config.created > b->config.created
                                                      : a->config.id < b->config.id;
    });
    if (options.last >= 0 && order.size() > static_cast<std::size_t>(options.last))
        order.resize(static_cast<std::size_t>(options.last));
    std::vector<ContainerView> sorted;
    sorted.reserve(order.size());
    for (ContainerView* view : order) sorted.push_back(std::move(*view));
    return sorted;
}

Value ps_row(Engine& engine, const ContainerView& view, const RowOptions& options) {
    const auto& config = view.config;
    RowBuilder row(options.wants);
    row.add("ID", [&] { return options.no_trunc ? config.id : config.id.substr(0, 12); });
    row.add("Names", [&] { return config.name; });
    row.add("Image", [&] { return image_text(config); });
    row.add("ImageID",
            [&] { return config.image_id.starts_with("sha256:") ? config.image_id.substr(7) : config.image_id; });
    row.add("Command", [&] {
        std::string command = command_text(config);
        return "\"" + (options.no_trunc ? command : ellipsis(command, 20)) + "\"";
    });
    add_times(row, view);
    row.add("Ports", [&] { return ports_text(view); });
    row.add("State", [&] { return state_word(view); });
    row.add("Status", [&] { return status_text(view); });
    row.add("Size", [&] { return options.size ? size_text(engine, config) : ""; });
    row.add("Labels", [&] { return labels_text(config); });
    row.add("LabelMap", [&] { return labels_object(config); });
    row.add("Mounts", [&] { return mounts_text(config, options.no_trunc); });
    row.add("LocalVolumes", [] { return "0"; });
    row.add("Networks", [&] { return networks_text(config); });
    row.add("Pid", [&] { return view.state.pid; });
    row.add("Restarts", [&] { return view.state.restart_count; });
    row.add("AutoRemove", [&] { return config.auto_remove; });
    row.add("CIDFile", [&] { return config.cidfile; });
    row.add("Pod", [] { return ""; });
    row.add("PodName", [] { return ""; });
    row.add("IsInfra", [] { return false; });
    return row.take();
}

} // namespace kist::engine
