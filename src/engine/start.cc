// SPDX-License-Identifier: Apache-2.0
// start and attach: from a record to a running process with its monitor, and the streams of who waits for it.
#include <unistd.h>

#include "base/log.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "engine/containers.hh"
#include "engine/host_facts.hh"
#include "engine/log_options.hh"
#include "engine/name_files.hh"
#include "engine/network_parts.hh"
#include "engine/networks.hh"
#include "engine/repair.hh"
#include "engine/tell.hh"
#include "monitor/client.hh"
#include "monitor/control.hh"
#include "monitor/spawn.hh"
#include "monitor/terminal.hh"
#include "storage/programs.hh"

namespace kist::engine {

namespace {

using monitor::AttachOutcome;
using storage::ContainerView;
using storage::Status;

monitor::AttachSettings settings_for(const ContainerView& view, const AttachOptions& options) {
    monitor::AttachSettings settings;
    settings.stdin_ = options.stdin_ && view.config.open_stdin && !passes_stdio(view.config);
    settings.stdout_ = options.stdout_;
    settings.stderr_ = options.stderr_;
    settings.terminal = view.config.tty;
    settings.sig_proxy = options.sig_proxy;
    settings.detach_keys = options.detach_keys;
    return settings;
}

/// The monitor of an attached container was killed under us: the record tells what became of the container.
AttachResult after_loss(Engine& engine, const ContainerId& id) {
    ContainerView view = settled_view(engine, id);
    if (view.state.status == Status::exited) return {false, view.state.exit_code};
    throw Error("the monitor of container '{}' was killed; the container runs on and has a new one", view.config.name)
        .with_hint("attach to it again with 'kist attach " + view.config.name + "'");
}

AttachResult to_result(Engine& engine, const ContainerId& id, const AttachOutcome& outcome) {
    constexpr int broken_pipe = 128 + 13;
    switch (outcome.kind) {
    case AttachOutcome::Kind::exited:
    case AttachOutcome::Kind::interrupted: return {false, outcome.exit_code};
    case AttachOutcome::Kind::detached: return {true, 0};
    case AttachOutcome::Kind::output_closed: return {false, broken_pipe};
    case AttachOutcome::Kind::dropped: throw Error("attached to container '{}': {}", id.short_id(), outcome.reason);
    case AttachOutcome::Kind::lost: break;
    }
    return after_loss(engine, id);
}

/// True when it runs already, false when it can be started; else why not.
bool check_startable(const ContainerView& view) {
    if (!view.damage.empty()) throw Error("{}", view.damage);
    switch (view.state.status) {
    case Status::running:
    case Status::stopping:
    case Status::restarting: return true;
    case Status::paused: throw Error("cannot start a paused container, try unpause instead");
    case Status::removing:
    case Status::dead: throw Error("the container is marked for removal and cannot be started");
    case Status::created:
    case Status::initialized:
    case Status::exited: break;
    }
    return false;
}

storage::ContainerState starting_state(const netns::ContainerPlan& network) {
    storage::ContainerState state;
    state.network = network;
    state.boot_id = storage::current_boot_id();
    state.status = Status::running;
    state.started_at = Moment::now().ns;
    return state;
}

/// Everything that the monitor finds in the run folder.
Dir prepare(Engine& engine, const ContainerId& id, const storage::ContainerConfig& config,
            const netns::ContainerPlan& network) {
    Dir run = engine.containers().run_dir(id);
    write_name_files(config, network, run);
    monitor::Job job = plan_job(config, gather_facts(engine, config, run));
    job.network = network;
    write_atomically(run, std::string(monitor::job_file), dump_job(job), Durability::volatile_);
    return run;
}

/// A monitor that fails removes what it made; one that was killed in the middle of it did not.
void clear_attempt(Engine& engine, const storage::ContainerConfig& config) {
    try {
        clear_cgroup(engine, config);
    } catch (const Error& e) { // why the start failed is what the user hears
        log::debug("after a failed start of {}: {}", config.id, e.what());
    }
}

/// The container keeps the state that it had, with the reason; an auto_remove one goes.
void record_failure(Engine& engine, const ContainerId& id, const ContainerView& view, const Error& error) {
    clear_attempt(engine, view.config);
    auto& containers = engine.containers();
    tell(engine, view.config, "die", {{"exitCode", std::to_string(static_cast<int>(error.exit_code()))}});
    if (view.config.auto_remove) {
        containers.remove(id);
        return tell(engine, view.config, "destroy");
    }
    storage::ContainerState state = view.state;
    if (const auto now = containers.view(id)) state.hooks = now->state.hooks;
    state.boot_id = storage::current_boot_id();
    state.error = error.what();
    state.exit_code = static_cast<int>(error.exit_code());
    containers.write_state(id, state);
    containers.data_dir(id).remove_file("started.json");
}

/// A container that has a terminal of the user's types into it (TIOCSTI), whatever its user runs there next.
void check_passed_stdio(const storage::ContainerConfig& config) {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if ((fd != STDIN_FILENO || config.open_stdin) && ::isatty(fd) == 1)
            throw Error("the log driver passthrough cannot be used on a terminal")
                .with_hint("redirect its output, or run it from a service");
}

/// What becomes of the container's program now.
struct Launch {
    const monitor::AttachSettings* attach = nullptr; ///< none: nobody is attached from its first byte
    bool waits = false;                              ///< it is not started yet
};

monitor::SpawnedMonitor launch(Engine& engine, const ContainerId& id, const ContainerView& view,
                               const netns::ContainerPlan& network, const Launch& how,
                               std::optional<storage::ContainerLock>& lock) {
    if (passes_stdio(view.config)) check_passed_stdio(view.config);
    Dir run = prepare(engine, id, view.config, network);
    if (!how.waits) engine.containers().write_started(view.config, starting_state(network));
    if (!network.attachments.empty()) run.remove_file(leasing_mark); // the job tells from here on
    monitor::SpawnOptions options;
    options.program = storage::program_path("kist-monitor");
    options.container_id = id.str();
    options.pass_stdio = passes_stdio(view.config);
    options.initialize = how.waits;
    if (how.attach != nullptr) options.attach = how.attach->flags();
    if (view.config.tty) options.size = monitor::window_size();
    auto spawned = monitor::spawn_monitor(run, options);
    // Hooks may take minutes, and nobody shall wait for a lock meanwhile: whoever comes finds a monitor that starts it.
    if (!view.config.hooks.empty()) lock.reset();
    spawned.wait_started();
    for (const std::string& warning : split(trim(spawned.warnings()), '\n')) log::warn("{}", warning);
    warn_of_network(engine, network);
    return spawned;
}

/// Somebody else may have started it anew since its monitor gave up, or have removed it.
bool take_lock_again(Engine& engine, const ContainerId& id, std::optional<storage::ContainerLock>& lock) {
    if (lock) return true;
    try {
        lock = engine.containers().lock(id);
        const auto now = engine.containers().view(id);
        return now && !now->monitor_alive;
    } catch (const Error&) {
        return false;
    }
}

monitor::SpawnedMonitor launch_or_record(Engine& engine, const ContainerId& id, const ContainerView& view,
                                         const Launch& how, std::optional<storage::ContainerLock>& lock) {
    netns::ContainerPlan network;
    try {
        network = plan_container_network(engine, view.config);
        return launch(engine, id, view, network, how, lock);
    } catch (Error& e) {
        name_port_holder(engine, network, e);
        clear_container_network(engine, id.str(), network);
        if (take_lock_again(engine, id, lock)) record_failure(engine, id, view, e);
        e.while_doing("starting container '{}'", view.config.name);
        throw;
    }
}

AttachResult stream(Engine& engine, const ContainerId& id, monitor::AttachSession& session,
                    monitor::SpawnedMonitor& spawned) {
    // Our trouble is not the container's. And when that has ended, all of it is gone but the monitor's process, whose end may take
    // 10 ms: the kernel closes its sockets to the firewall after a grace period.
    spawned.release();
    const AttachOutcome outcome = session.run(spawned.take_socket(), monitor::AttachSession::Greet::no);
    return to_result(engine, id, outcome);
}

/// The program of an initialized container, by the monitor that it has. `output`: the connection of who is attached to it.
void start_program(Engine& engine, const ContainerId& id, ContainerView view, const monitor::AttachSettings* attach,
                   std::optional<monitor::ControlClient>& output, std::optional<storage::ContainerLock>& lock) {
    const Dir run = engine.containers().run_dir(id);
    try {
        auto client = monitor::ControlClient::connect(run);
        if (attach != nullptr) output = monitor::ControlClient::connect(run);
        if (!client || (attach != nullptr && !output)) throw Error("its monitor does not answer");
        if (output) output->ask_attach(attach->flags(), view.config.tty ? monitor::window_size() : std::nullopt);
        engine.containers().write_started(view.config, starting_state(view.state.network));
        if (!view.config.hooks.empty()) lock.reset(); // as launch()
        for (const std::string& warning : split(trim(client->start()), '\n')) log::warn("{}", warning);
    } catch (Error& e) {
        view.state = storage::ContainerState{};
        if (take_lock_again(engine, id, lock)) record_failure(engine, id, view, e);
        e.while_doing("starting container '{}'", view.config.name);
        throw;
    }
}

/// Another command starts it and its hooks run.
void wait_for_other_start(Engine& engine, const ContainerId& id) {
    constexpr auto patience = std::chrono::minutes(60); // as long as its hooks may take; its monitor's end ends it
    try {
        if (auto client = monitor::ControlClient::connect(engine.containers().run_dir(id))) client->ping(patience);
    } catch (const monitor::MonitorLost&) {
    }
    const ContainerView view = settled_view(engine, id);
    if (!storage::is_up(view.state.status))
        throw Error("starting container '{}': the start that was in progress failed: {}", view.config.name,
                    view.state.error);
}

} // namespace

AttachResult start(Engine& engine, const ContainerId& id, const std::optional<AttachOptions>& attach) {
    std::optional<storage::ContainerLock> lock = engine.containers().lock(id);
    ContainerView view = settle_locked(engine, id);
    bool runs = false;
    try {
        runs = check_startable(view);
    } catch (Error& e) {
        e.while_doing("starting container '{}'", view.config.name);
        throw;
    }
    if (runs) {
        lock.reset();
        if (view.state.pid == 0 && !view.config.hooks.empty()) wait_for_other_start(engine, id);
        return attach ? engine::attach(engine, id, *attach) : AttachResult{};
    }
    const bool waits = view.state.status == Status::initialized;
    std::optional<monitor::ControlClient> output;
    if (!attach) {
        if (waits) start_program(engine, id, view, nullptr, output, lock);
        else launch_or_record(engine, id, view, {}, lock).release();
        return {};
    }
    monitor::AttachSettings settings = settings_for(view, *attach);
    monitor::AttachSession session(settings); // checks the detach keys
    tell(engine, view.config, "attach");
    if (waits) {
        start_program(engine, id, view, &settings, output, lock);
        lock.reset();
        return to_result(engine, id, session.run(std::move(*output).take_socket(), monitor::AttachSession::Greet::no));
    }
    auto spawned = launch_or_record(engine, id, view, {.attach = &settings}, lock);
    lock.reset();
    return stream(engine, id, session, spawned);
}

void initialize(Engine& engine, const ContainerId& id) {
    std::optional<storage::ContainerLock> lock = engine.containers().lock(id);
    const ContainerView view = settle_locked(engine, id);
    try {
        if (view.state.status == Status::initialized) throw Error("it is initialized already");
        if (check_startable(view)) throw Error("it is running");
    } catch (Error& e) {
        e.with_exit_code(ExitCode::failure);
        e.while_doing("initializing container '{}'", view.config.name);
        throw;
    }
    launch_or_record(engine, id, view, {.waits = true}, lock).release();
}

AttachResult attach(Engine& engine, const ContainerId& id, const AttachOptions& options) {
    ContainerView view = settled_view(engine, id);
    if (view.state.status == Status::paused)
        throw Error("you cannot attach to a paused container, unpause it first").with_exit_code(ExitCode::failure);
    if (view.state.status == Status::restarting)
        throw Error("you cannot attach to a restarting container, wait until it is running")
            .with_exit_code(ExitCode::failure);
    if (passes_stdio(view.config))
        throw Error(
            "you cannot attach to a container with the log driver passthrough: its output goes where it was started")
            .with_exit_code(ExitCode::failure);
    auto settings = settings_for(view, options);
    settings.redraw = true;
    monitor::AttachSession session(settings);
    auto client = monitor::ControlClient::connect(engine.containers().run_dir(id));
    if (!client)
        throw Error("you cannot attach to a stopped container, start it first").with_exit_code(ExitCode::failure);
    tell(engine, view.config, "attach");
    return to_result(engine, id, session.run(std::move(*client).take_socket(), monitor::AttachSession::Greet::yes));
}

} // namespace kist::engine
