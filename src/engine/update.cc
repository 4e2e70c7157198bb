// SPDX-License-Identifier: Apache-2.0
// update: another restart policy, other health checks and limits, all or nothing; at once when the container runs.
#include <algorithm>
#include <cerrno>

#include <unistd.h>

#include "base/rollback.hh"
#include "engine/ask_monitor.hh"
#include "engine/cgroup_manager.hh"
#include "engine/containers.hh"
#include "engine/create_parts.hh"
#include "engine/host_facts.hh"
#include "engine/spec_plan.hh"
#include "engine/tell.hh"
#include "oci/run/systemd_scope.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;
using storage::ContainerView;
using storage::Status;

constexpr std::size_t job_limit = 16u << 20;

ContainerConfig plan_update(const ContainerConfig& now, const UpdateOptions& options,
                            const std::function<void(const std::string&)>& warn) {
    ContainerConfig config = now;
    if (options.restart) config.restart = parse_restart_policy(*options.restart);
    if (config.auto_remove && config.restart.mode != storage::RestartMode::no)
        throw UsageError("--restart {} is not for a container that was made with --rm", *options.restart);
    config.health = plan_health(config.health, options);
    if (config.auto_remove && config.health && config.health->on_failure == storage::HealthAction::restart)
        throw UsageError("--health-on-failure restart is not for a container that was made with --rm");
    set_limits(options, config.resources);
    if (config.resources != now.resources) check_resources(config.resources, warn);
    return config;
}

/// The device rules, which need the devices of the host, stay what they are.
oci::Resources limits_of(Engine& engine, const ContainerConfig& config) {
    HostFacts facts;
    if (config.resources.memory > 0) facts.swap_limit = can_limit_swap(engine);
    oci::Resources resources = plan_resources(config, facts);
    resources.devices.clear();
    return resources;
}

/// What is written to give `to` to a container that has `from`: what has not changed is left alone.
std::vector<oci::CgroupWrite> changes(const oci::CgroupHost& host, const oci::Resources& from,
                                      const oci::Resources& to) {
    const auto before = oci::plan_cgroup(host, from);
    auto writes = oci::plan_cgroup(host, to);
    std::erase_if(
        writes, [&](const oci::CgroupWrite& w) { return std::find(before.begin(), before.end(), w) != before.end(); });
    return writes;
}

bool is_there(const oci::Cgroup& cgroup) { return !cgroup.v1_mounts().empty() || !cgroup.unified_mount().empty(); }

/// After a value could not be written: the run has ended meanwhile, and its monitor takes one hierarchy's folder away after the other.
bool is_going(const oci::CgroupHost& host, const std::string& path, const Error& failure) {
    const auto* reason = dynamic_cast<const SysError*>(&failure);
    if (reason == nullptr || (reason->code != ENOENT && reason->code != ENODEV)) return false;
    for (int looks = 0; looks < 50; ++looks) {
        if (!is_there(oci::Cgroup::open(host, path))) return true;
        ::usleep(1000);
    }
    return false;
}

/// A live container's cgroup gets the new limits, or keeps all of its old ones. Returns how to undo it; nothing where there is no
/// cgroup: between two runs, the next of which reads its limits from the job.
std::function<void()> apply_limits(Engine& engine, const ContainerConfig& config, const oci::Resources& from,
                                   const oci::Resources& to) {
    const oci::CgroupHost& host = engine.cgroups();
    const std::string path = cgroup_path(config);
    const auto scope = scope_of(config);
    const auto writes = changes(host, from, to);
    if (writes.empty()) return [] {};
    oci::Cgroup cgroup = oci::Cgroup::open(host, path);
    if (!is_there(cgroup)) return {};
    if (to.cpu && (!to.cpu->cpus.empty() || !to.cpu->mems.empty())) cgroup.add_cpuset(host);
    const auto before = cgroup.current(writes);
    const auto restore = [&host, path, before, scope] {
        if (scope) oci::update_scope(scope->unit, before);
        oci::Cgroup::open(host, path).restore(before);
    };
    try {
        if (scope) oci::update_scope(scope->unit, writes);
        cgroup.apply(writes);
    } catch (const Error& failure) {
        if (is_going(host, path, failure)) return {};
        restore();
        throw;
    }
    return restore;
}

/// What a restart by policy, and a monitor that adopts, will find.
void write_job(const Dir& run, monitor::Job job, const ContainerConfig& config, const oci::Resources& limits) {
    job.restart = config.restart;
    job.health = config.health;
    const auto devices = std::move(job.spec.linux_.resources.devices);
    job.spec.linux_.resources = limits;
    job.spec.linux_.resources.devices = devices;
    write_atomically(run, std::string(monitor::job_file), monitor::dump_job(job), Durability::volatile_);
}

void update_live(Engine& engine, const ContainerId& id, const ContainerView& view, const ContainerConfig& config) {
    const Dir run = engine.containers().run_dir(id);
    const auto read_job = [&] {
        return monitor::parse_job(read_file(run, std::string(monitor::job_file), job_limit), monitor::job_file);
    };
    monitor::Job job = read_job();
    oci::Resources from = job.spec.linux_.resources;
    from.devices.clear();
    const oci::Resources to = limits_of(engine, config);
    Rollback undo;
    const auto restore = apply_limits(engine, config, from, to);
    if (restore) undo.add(restore);
    engine.containers().write_config(config);
    undo.add([&] { engine.containers().write_config(view.config); });
    write_job(run, std::move(job), config, to);
    undo.commit();
    if (!restore) apply_limits(engine, config, from, to); // to a run that has begun meanwhile, with the job of before
}

/// Its end meanwhile, by itself or killed, is no failure: record and job are what counts from now on, for a new monitor too.
void tell_monitor(Engine& engine, const ContainerId& id) {
    try {
        if (auto client = monitor::ControlClient::connect(engine.containers().run_dir(id))) client->reload();
    } catch (const monitor::MonitorLost&) {
    }
}

} // namespace

void update(Engine& engine, const ContainerId& id, const UpdateOptions& options,
            const std::function<void(const std::string&)>& warn) {
    with_context("updating", id, engine, [&] {
        const auto lock = engine.containers().lock(id);
        const ContainerView view = settle_locked(engine, id);
        if (!view.damage.empty()) throw Error("{}", view.damage);
        if (view.state.status == Status::removing || view.state.status == Status::dead)
            throw Error("it is marked for removal").with_exit_code(ExitCode::failure);
        const ContainerConfig config = plan_update(view.config, options, warn);
        if (config == view.config) return;
        check_plan(engine, config);
        if (!is_up(view.state.status)) return engine.containers().write_config(config);
        update_live(engine, id, view, config);
        tell_monitor(engine, id);
    });
    if (auto view = engine.containers().view(id); view && view->damage.empty()) tell(engine, view->config, "update");
}

} // namespace kist::engine
