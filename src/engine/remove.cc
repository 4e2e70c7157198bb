// SPDX-License-Identifier: Apache-2.0
// rm and container prune. What cannot be removed stays listed as dead with the reason (SEEDS A108, A116).
#include "engine/containers.hh"
#include "engine/describe.hh"
#include "engine/id_ranges.hh"
#include "engine/repair.hh"
#include "engine/tell.hh"
#include "monitor/control.hh"

namespace kist::engine {

namespace {

using storage::ContainerView;
using storage::Status;

/// A damaged record cannot be settled, but a monitor that lives still listens.
void end_damaged(Engine& engine, const ContainerId& id) {
    if (auto client = monitor::ControlClient::connect(engine.containers().run_dir(id))) client->stop({.timeout = 0});
}

/// Nothing when it is gone by itself (--rm).
std::optional<ContainerView> end_running(Engine& engine, const ContainerId& id, const RemoveOptions& options) {
    auto view = engine.containers().view(id);
    if (!view) return std::nullopt;
    if (!view->damage.empty()) {
        end_damaged(engine, id);
    } else if (is_up(view->state.status)) {
        stop(engine, id, {.timeout = options.timeout.value_or(0)});
    }
    return engine.containers().view(id);
}

/// A container between two runs, or in front of its first, has no program to be lost: its next start is called off. When it has
/// started meanwhile it is a running one. True: one that goes when it ends may be gone.
bool call_off_start(Engine& engine, const ContainerId& id) {
    const auto view = engine.containers().view(id);
    if (!view || (view->state.status != Status::restarting && view->state.status != Status::initialized)) return false;
    settled_view(engine, id); // a monitor that was killed is replaced: only monitors end this state
    auto client = monitor::ControlClient::connect(engine.containers().run_dir(id));
    try {
        if (client) client->stop({.timeout = 0, .signal = 0, .purpose = monitor::StopPurpose::cancel});
    } catch (const Error&) { // what it has become decides
    }
    return view->config.auto_remove;
}

void check_removable(const ContainerView& view, bool force) {
    const std::string& name = view.config.name;
    if (!view.damage.empty() && !force)
        throw Error("cannot remove container \"{}\": {}", name, view.damage)
            .with_hint("use --force to remove it with what its record says lost");
    if (!is_up(view.state.status)) return;
    const std::string_view state = view.state.status == Status::stopping ? "running" : name_of(view.state.status);
    throw Error("cannot remove {} container \"{}\" ({}): stop it first or use --force", state, name, view.config.id)
        .with_exit_code(ExitCode::failure);
}

void remove_stopped(Engine& engine, const ContainerId& id, const ContainerView& view, bool volumes) {
    using Volumes = storage::ContainerStore::Volumes;
    try {
        if (!view.monitor_alive && view.damage.empty() && view.state.started_at != 0) clear_cgroup(engine, view.config);
        engine.containers().remove(id, volumes ? Volumes::remove_anonymous : Volumes::keep);
        if (view.config.namespaces.user == "auto") give_back_ids(engine, view.config.uid_map, view.config.id);
        tell(engine, view.config, "destroy");
    } catch (Error& e) {
        if (view.damage.empty()) engine.containers().write_dead(view, e.what());
        e.while_doing("removing container '{}'", view.config.name);
        throw;
    }
}

} // namespace

void remove(Engine& engine, const ContainerId& id, const RemoveOptions& options) {
    constexpr int attempts = 10;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        if (options.force && !end_running(engine, id, options)) return;
        const bool may_be_gone = options.force || call_off_start(engine, id);
        std::optional<storage::ContainerLock> lock;
        std::optional<ContainerView> view;
        try {
            lock = engine.containers().lock(id);
            view = settle_locked(engine, id);
        } catch (const NotFound&) {
            if (may_be_gone) return; // by itself, or by somebody else's rm
            throw;
        }
        if (options.force && is_up(view->state.status)) continue; // started again meanwhile
        check_removable(*view, options.force);
        return remove_stopped(engine, id, *view, options.volumes);
    }
    throw Error("cannot remove container {}: it is started again and again", id.str());
}

Pruned prune_containers(Engine& engine, const std::vector<std::string>& filters) {
    auto filter = ContainerFilter::parse(engine, filters);
    sweep_all(engine);
    Pruned pruned;
    for (const ContainerView& view : engine.containers().all()) {
        Status status = view.state.status;
        bool stopped = status == Status::created || status == Status::exited || status == Status::dead ||
                       status == Status::removing;
        if (!stopped || !view.damage.empty() || !filter.matches(view)) continue;
        try {
            const auto bytes = disk_use(engine, view.config).own;
            remove(engine, *ContainerId::parse(view.config.id), {.force = false, .volumes = false, .timeout = {}});
            pruned.ids.push_back(view.config.id);
            pruned.bytes += bytes;
        } catch (const NotFound&) { // somebody else did
        }
    }
    return pruned;
}

} // namespace kist::engine
