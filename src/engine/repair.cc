// SPDX-License-Identifier: Apache-2.0
#include "engine/repair.hh"

#include <random>

#include "base/log.hh"
#include "engine/cgroup_manager.hh"
#include "engine/hook_spec.hh"
#include "engine/log_options.hh"
#include "engine/networks.hh"
#include "engine/spec_plan.hh"
#include "engine/tell.hh"
#include "monitor/protocol.hh"
#include "monitor/restart_plan.hh"
#include "monitor/spawn.hh"
#include "oci/run/hooks.hh"
#include "oci/run/systemd_scope.hh"
#include "storage/programs.hh"

namespace kist::engine {

namespace {

using storage::ContainerView;
using storage::Status;

/// It lives, or its restart policy wants it to.
bool needs_monitor(const ContainerView& view) {
    return is_up(view.state.status) ||
           (view.is_adoptable && !view.config.auto_remove && monitor::plan_restart(view.config.restart, view.state));
}

[[noreturn]] void throw_gone(const ContainerId& id) { throw NotFound("No such container: {}", id.str()); }

ContainerView find_view(Engine& engine, const ContainerId& id) {
    auto view = engine.containers().view(id);
    if (!view) throw_gone(id);
    return std::move(*view);
}

void adopt(Engine& engine, const ContainerId& id, const storage::ContainerConfig& config) {
    monitor::SpawnOptions options;
    options.program = storage::program_path("kist-monitor");
    options.container_id = id.str();
    options.adopt = true;
    options.pass_stdio = passes_stdio(config);
    auto spawned = monitor::spawn_monitor(engine.containers().run_dir(id), options);
    if (spawned.wait_started()) spawned.release();
}

/// What its monitor would have run at the end.
void run_missed_poststop(Engine& engine, const ContainerView& view) {
    const auto& hooks = view.config.hooks.poststop;
    if (hooks.empty()) return;
    oci::HookContext context;
    context.id = view.config.id;
    context.bundle = engine.containers().run_dir(ContainerId::parse(view.config.id).value()).path();
    context.annotations = view.config.annotations;
    context.extra_env = {"KIST_IN_HOOK=" + view.config.id};
    context.allowed_folder = hooks_folder(engine.store().paths().data_root);
    context.limit = std::chrono::seconds(longest_hook);
    context.ended = [](const oci::HookResult& result) {
        if (result.failed()) log::warn("{}", result.message());
    };
    oci::run_hooks("poststop", hooks, context, oci::hook_state(context, "stopped", 0), oci::Failure::goes_on);
}

/// Its monitor was killed, and with it the process that waited for the start.
void forget_initialized(Engine& engine, const ContainerId& id, const ContainerView& view) {
    clear_cgroup(engine, view.config);
    clear_container_network(engine, id.str(), view.state.network);
    run_missed_poststop(engine, view);
    if (view.config.auto_remove) {
        engine.containers().remove(id);
        return tell(engine, view.config, "destroy");
    }
    storage::ContainerState state;
    state.boot_id = storage::current_boot_id();
    engine.containers().write_state(id, state);
}

storage::ContainerState without_network(storage::ContainerState state) {
    state.network = {};
    return state;
}

/// Its monitor and its init are dead, and nobody has written that down.
void record_end(Engine& engine, const ContainerId& id, const ContainerView& view) {
    clear_cgroup(engine, view.config);
    clear_container_network(engine, id.str(), view.state.network);
    run_missed_poststop(engine, view);
    tell(engine, view.config, "die", {{"exitCode", std::to_string(view.state.exit_code)}});
    if (!view.config.auto_remove) return engine.containers().write_exit(view.config, without_network(view.state));
    engine.containers().remove(id);
    tell(engine, view.config, "destroy");
}

/// True when `id` was removed.
bool mend_auto_remove(Engine& engine, const ContainerId& id) {
    auto view = engine.containers().view(id);
    if (!view || !view->config.auto_remove || !view->is_orphan || is_up(view->state.status)) return false;
    try {
        settled_view(engine, id);
    } catch (const NotFound&) {
        return true;
    } catch (const Error& e) {
        log::debug("mending container {}: {}", id.str(), e.what());
    }
    return false;
}

/// A start that was killed together with its monitor before the first state was written: what the monitor had made is named
/// in its job.
void clear_interrupted_start(Engine& engine, const ContainerId& id, const ContainerView& view) {
    if (view.state.status != Status::created || !view.damage.empty()) return;
    const auto runs = engine.store().run().open_dir_if_exists("containers");
    const auto run = runs ? runs->open_dir_if_exists(id.str()) : std::nullopt;
    if (!run || FileLock::is_held(*run, std::string(monitor::monitor_lock))) return;
    clear_interrupted_leases(engine, view.config, *run);
    constexpr std::size_t job_limit = 16 << 20;
    const std::string name(monitor::job_file);
    const auto text = read_file_if_exists(*run, name, job_limit);
    if (!text) return;
    clear_cgroup(engine, view.config);
    clear_container_network(engine, id.str(), monitor::parse_job(*text, name).network);
    run->remove_file(name);
}

} // namespace

void clear_cgroup(Engine& engine, const storage::ContainerConfig& config) {
    oci::Cgroup cgroup = oci::Cgroup::open(engine.cgroups(), cgroup_path(config));
    cgroup.kill_all();
    if (const auto scope = scope_of(config)) oci::stop_scope(scope->unit);
    if (!cgroup.remove()) throw Error("removing cgroup '{}': processes of the container do not die", cgroup.path());
}

ContainerView settle_locked(Engine& engine, const ContainerId& id) {
    check_not_in_hook(id.str());
    ContainerView view = find_view(engine, id);
    if (!view.is_orphan) clear_interrupted_start(engine, id, view);
    if (!view.is_orphan || !view.damage.empty()) return view;
    // Its process may not have heard of the end yet.
    if (view.state.status == Status::initialized || view.state.status == Status::created)
        forget_initialized(engine, id, view);
    else if (needs_monitor(view)) adopt(engine, id, view.config);
    else record_end(engine, id, view);
    return find_view(engine, id);
}

ContainerView settled_view(Engine& engine, const ContainerId& id) {
    check_not_in_hook(id.str());
    ContainerView view = find_view(engine, id);
    if (view.is_orphan && view.damage.empty()) {
        auto lock = engine.containers().lock(id);
        view = settle_locked(engine, id);
    }
    if (!view.damage.empty()) throw Error("container '{}': {}", id.short_id(), view.damage);
    return view;
}

void sweep_some(Engine& engine) {
    engine.containers().sweep(storage::ContainerStore::Sweep::quick);
    // Only records of --rm containers live in the run folder, and only their leavings would stay for ever.
    Dir run = engine.store().run().create_dir("containers");
    std::vector<std::string> names = run.names();
    constexpr std::size_t looks = 8;
    std::size_t start = names.size() > looks ? std::random_device{}() % names.size() : 0;
    for (std::size_t i = 0; i < std::min(looks, names.size()); ++i) {
        auto id = ContainerId::parse(names[(start + i) % names.size()]);
        if (!id) continue;
        auto dir = run.open_dir_if_exists(id->str());
        if (dir && dir->exists("config.json") && !FileLock::is_held(*dir, "monitor.lock"))
            mend_auto_remove(engine, *id);
    }
}

std::vector<std::string> sweep_all(Engine& engine) {
    auto removed = engine.containers().sweep(storage::ContainerStore::Sweep::full);
    for (const ContainerId& id : engine.containers().ids())
        if (mend_auto_remove(engine, id)) removed.push_back(id.str());
    return removed;
}

} // namespace kist::engine
