// SPDX-License-Identifier: Apache-2.0
// What the results of health checks do to the container, and changes of its job while it runs.
#include "monitor/supervisor.hh"
#include "storage/init_process.hh"

namespace kist::monitor {

/// Of a container that has just been started, or was adopted: its health goes on where it was.
void Supervisor::start_health(const Job& job) {
    if (!job.health || !job.spec.process || waiting_) return;
    const std::chrono::nanoseconds uptime = storage::time_since(state_.pid_start_time) - waited_;
    const CheckedContainer container{run_, *cgroup_, init_pidfd(), static_cast<pid_t>(state_.pid)};
    try {
        health_ = std::make_unique<HealthRunner>(
            loop_, container, job, state_.health, uptime,
            HealthRunner::Events{[this](storage::Health status) { set_health(status); },
                                 [this](storage::HealthAction action) { act_on_health(action); }});
    } catch (const Error& error) { // the run folder cannot be read: the container runs on, and says what is wrong
        state_.error = "its health is not checked: " + error.message();
        return;
    }
    if (state_.status == storage::Status::paused) health_->pause();
}

void Supervisor::set_health(storage::Health status) {
    state_.health = status;
    try {
        write_state();
    } catch (const Error&) { // a full disk: the next state that can be written says it
    }
    if (notify_ && status == storage::Health::healthy) notify_->healthy();
    tell("health_status: " + std::string(name_of(status)));
}

void Supervisor::check_health(ClientId client) {
    if (!health_) {
        check_runs();
        throw Error("it has no health check").with_exit_code(ExitCode::failure);
    }
    health_->check_now([this, client](int exit_code) {
        server_.send(client, Packet::checked, fmt::format("{} {}", exit_code, name_of(state_.health)));
    });
}

void Supervisor::act_on_health(storage::HealthAction action) {
    using Action = storage::HealthAction;
    if (action == Action::none || stays_ended_) return;
    state_.error = "unhealthy: ended by its health check";
    if (action == Action::kill) return kill_all();
    restarts_anyway_ = action == Action::restart;
    stays_ended_ = action == Action::stop;
    begin_stop(task_.stop_timeout, task_.stop_signal);
}

/// monitor.json is another one: what can change under a running container is taken from it.
void Supervisor::reload() {
    const Job job = parse_job(read_file(run_, std::string(job_file), job_limit), job_file);
    task_ = Assignment(job);
    if (state_.status == storage::Status::restarting) {
        if (!next_start()) call_off_restart();
        return;
    }
    cgroup_ = oci::Cgroup::open(oci::CgroupHost::detect(), job.cgroup_path); // a hierarchy may have come
    if (job.health && health_) return health_->change(*job.health);
    health_.reset();
    state_.health = job.health ? storage::Health::starting : storage::Health::none;
    write_state();
    start_health(job);
}

} // namespace kist::monitor
