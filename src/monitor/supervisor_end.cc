// SPDX-License-Identifier: Apache-2.0
// The end of a container: what is left is killed and removed, the end recorded, everybody told. Order: see protocol.hh.
#include <chrono>

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/text.hh"
#include "base/time.hh"
#include "monitor/init_exit.hh"
#include "monitor/supervisor.hh"
#include "oci/run/systemd_scope.hh"
#include "storage/container_store.hh"
#include "storage/event_log.hh"
#include "storage/init_process.hh"

namespace kist::monitor {

namespace {

constexpr int unknown_exit_code = 255;
constexpr auto cgroup_patience = std::chrono::seconds(5);
constexpr auto lock_patience = std::chrono::seconds(10);

} // namespace

void Supervisor::on_init_exit() {
    if (waiting_) { // its program has never run: nothing starts it again
        child_ = waiting_->take();
        waiting_.reset();
        stays_ended_ = true;
    }
    if (!pidfd_) {
        loop_.unwatch(child_.pidfd().get());
        note_exit(child_.wait());
    } else {
        loop_.unwatch(pidfd_.get());
        note_exit(exit_of_other(pidfd_, static_cast<pid_t>(state_.pid), state_.pid_start_time));
    }
    clear_away();
    after_end();
}

/// Nothing: unknown, because the monitor whose child it was is dead.
void Supervisor::note_exit(const std::optional<ExitStatus>& status) {
    if (!status) state_.error = "exit code unknown: the monitor was killed";
    const ExitStatus known = status.value_or(ExitStatus{unknown_exit_code});
    state_.status = storage::Status::exited;
    state_.exit_code = known.code();
    state_.finished_at = Moment::now().ns;
    state_.held = false;
    uptime_ = storage::time_since(state_.pid_start_time) - std::exchange(waited_, {});
    state_.oom_killed = was_oom_killed(known);
}

/// Of a container whose init has ended: its processes, what they have written, its cgroup.
void Supervisor::clear_away() {
    for (auto* timer : {&kill_timer_, &stuck_timer_})
        if (*timer) loop_.cancel(*std::exchange(*timer, std::nullopt));
    stoppers_.clear();
    holders_.clear();
    health_.reset();
    follower_.reset();
    if (state_.oom_killed) tell("oom");
    try {
        if (!task_.own_pid_namespace) cgroup_->kill_all();
    } catch (const Error&) {
        // remove_cgroup() tries again.
    }
    stdio_.terminal_end.reset();
    if (output_) output_->drain();
    remove_cgroup();
    state_.pid = 0;
    state_.pid_start_time = 0;
    run_poststop();
}

void Supervisor::after_end() {
    const auto delay = next_start();
    if (!delay) return conclude();
    state_.restart_delay = delay->count();
    tell_end();
    wait_for_restart(*delay);
}

void Supervisor::conclude() {
    end_network();
    // Told when it is true; what is removed after its end ends before.
    const bool removed = task_.auto_remove && !keep_record_;
    if (removed) tell_end();
    record_exit();
    if (!removed) tell_end();
    farewell();
}

/// Reading the counters takes a dozen files: only when it can matter.
bool Supervisor::was_oom_killed(const ExitStatus& status) const {
    if (!task_.limited_memory && status.signal != SIGKILL) return false;
    try {
        return saw_oom_kill_ || cgroup_->stats().oom_kills > 0;
    } catch (const Error&) { // the folder is gone: nothing is known
        return false;
    }
}

/// systemd removes the folder of a scope that has become empty, maybe before we read in it: what happens there is noted at once.
void Supervisor::watch_memory_events() {
    forget_memory_events();
    saw_oom_kill_ = false;
    if (task_.scope.empty() || !cgroup_->unified()) return;
    memory_events_ = Fd(::openat(cgroup_->unified().get(), "memory.events", O_RDONLY | O_CLOEXEC));
    if (memory_events_) loop_.watch(memory_events_.get(), EPOLLPRI, [this](std::uint32_t) { read_memory_events(); });
}

void Supervisor::read_memory_events() {
    char text[512];
    const ssize_t length = ::pread(memory_events_.get(), text, sizeof text, 0); // takes the notice back as well
    if (length <= 0) return forget_memory_events();
    for (const std::string& line : split({text, static_cast<std::size_t>(length)}, '\n'))
        if (line.starts_with("oom_kill ") && line != "oom_kill 0") saw_oom_kill_ = true;
}

void Supervisor::forget_memory_events() {
    if (!memory_events_) return;
    loop_.unwatch(memory_events_.get());
    memory_events_.reset();
}

void Supervisor::remove_cgroup() {
    forget_memory_events();

    try {
        if (!task_.scope.empty()) {
            cgroup_->kill_all();
            oci::stop_scope(task_.scope);
        }
        if (cgroup_->remove(std::chrono::milliseconds(0))) return;
        cgroup_->kill_all();
        if (!cgroup_->remove(cgroup_patience))
            state_.error = "its cgroup could not be removed: processes in it do not end";
    } catch (const Error& error) {
        state_.error = error.message();
    }
}

void Supervisor::record_exit() {
    state_.monitor_pid = 0;
    try {
        ContainerStdio::remove_files(run_);
        run_.remove_tree("exec"); // of exec commands that were killed
        if (task_.auto_remove && !keep_record_) return remove_record();
        const storage::Store store = storage::Store::open({task_.data_root, task_.run_root});
        storage::ContainerConfig config;
        config.id = task_.id;
        config.auto_remove = task_.auto_remove;
        storage::ContainerStore(store).write_exit(config, state_);
    } catch (const Error& error) {
        // A full disk: what is in /run still tells everybody until the next boot.
        state_.error = error.message();
        try {
            write_state();
        } catch (const Error&) { // then nothing can be written at all; the exit code goes to who waits for it
        }
    }
}

/// A command that holds the container's lock for longer than this is removing it itself, or the next sweep does.
void Supervisor::remove_record() {
    const auto id = ContainerId::parse(task_.id);
    if (!id) throw Error("'{}' is no container id", task_.id);
    const storage::Store store = storage::Store::open({task_.data_root, task_.run_root});
    const storage::ContainerStore containers(store);
    const FileLock lock = FileLock::acquire(containers.data_dir(*id), "lock", LockMode::exclusive, lock_patience);
    containers.remove(*id);
    tell("destroy");
}

void Supervisor::tell(std::string_view action, std::string_view attribute, std::string_view value) const {
    storage::Event event{.type = "container", .action = action, .id = task_.id, .prepared = task_.event_attributes};
    if (!attribute.empty()) event.attributes.emplace_back(attribute, value);
    storage::append_event(task_.data_root, event);
}

void Supervisor::tell_end() {
    // A container that waited for its next start has been told dead before.
    if (!std::exchange(end_told_, true)) tell("die", "exitCode", std::to_string(state_.exit_code));
    if (stop_asked_) tell("stop");
}

void Supervisor::farewell() {
    // Before the lock is free: the next monitor makes a socket of that name.
    server_.stop_listening(run_);
    lock_.reset();
    server_.send_all(Packet::exited, format_exit({state_.exit_code, false}));
    server_.when_flushed([this] { loop_.stop(); });
}

/// Nothing of the attempt is left but the reason. The record of an auto_remove container is its starter's to remove.
void Supervisor::fail(const Error& error, ClientId client) {
    waiting_.reset();
    child_ = {};
    end_network();
    if (cgroup_) remove_cgroup();
    stdio_ = {};
    try {
        record_failure(error);
        ContainerStdio::remove_files(run_);
    } catch (const Error&) { // the reason is told in any case
    }
    server_.stop_listening(run_);
    lock_.reset();
    server_.send(client, Packet::failed, format_failure(error));
}

/// The starter, which knows how an earlier run ended, may say more; this is for the case that it is gone.
void Supervisor::record_failure(const Error& error) {
    state_.status = storage::Status::created;
    state_.started_at = 0;
    state_.pid = 0;
    state_.pid_start_time = 0;
    state_.monitor_pid = 0;
    state_.exit_code = static_cast<int>(error.exit_code());
    state_.error = error.message();
    write_state();
}

} // namespace kist::monitor
