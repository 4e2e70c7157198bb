// SPDX-License-Identifier: Apache-2.0
// Starting a container again by its restart policy. Between two runs there is nothing but this monitor and a timer.
#include <malloc.h>

#include "base/time.hh"
#include "monitor/restart_plan.hh"
#include "monitor/supervisor.hh"
#include "storage/container_store.hh"

namespace kist::monitor {

namespace {

/// Namespaces lent by another container: by its process of now, which need not be the one of our first start.
void find_joined(Job& job) {
    if (job.joined.empty()) return;
    const storage::Store store = storage::Store::open({job.data_root, job.run_root});
    const storage::ContainerStore containers(store);
    for (oci::Namespace& ns : job.spec.linux_.namespaces) {
        const auto lender = job.joined.find(std::string(name_of(ns.type)));
        if (lender == job.joined.end()) continue;
        const auto id = ContainerId::parse(lender->second);
        const auto view = id ? containers.view(*id) : std::nullopt;
        if (!view || view->state.pid == 0)
            throw Error("cannot join the {} namespace of container {}: it does not run", lender->first, lender->second);
        const std::size_t name = ns.path.rfind('/');
        ns.path = fmt::format("/proc/{}/ns{}", view->state.pid, ns.path.substr(name));
    }
}

} // namespace

std::optional<std::chrono::nanoseconds> Supervisor::next_start() const {
    if (stays_ended_ || task_.auto_remove) return std::nullopt;
    if (restarts_anyway_) return restart_delay(state_, uptime_);
    return plan_restart(task_.restart, state_, uptime_);
}

void Supervisor::wait_for_restart(std::chrono::nanoseconds delay) {
    state_.status = storage::Status::restarting;
    state_.next_start_at = Moment::now().ns + delay.count();
    input_.reset();
    output_.reset();
    stdio_ = {};
    child_ = {};
    pidfd_.reset();
    try {
        write_state();
    } catch (const Error&) {
        // A full disk is no reason to give a container up: readers see its last state until the next one can be written.
    }
    restart_timer_ = loop_.after(delay, [this] { restart(); });
    server_.send_all(Packet::exited, format_exit({state_.exit_code, true}));
}

void Supervisor::restart() {
    restart_timer_.reset();
    ++state_.restart_count;
    state_.next_start_at = 0;
    try {
        // As it is now: `update` may have changed it.
        Job job = parse_job(read_file(run_, std::string(job_file), job_limit), job_file);
        task_ = Assignment(job);
        find_joined(job);
        // Ours is not for the container; at its first start it had that of the command.
        if (job.spec.process && !job.spec.process->oom_score_adj) job.spec.process->oom_score_adj = 0;
        create(job);
        run_poststart(job);
        watch_container();
        tell("start");
        start_health(job);
    } catch (const Error& error) {
        failed_restart(error.message(), static_cast<int>(error.exit_code()));
    } catch (const std::exception& error) { // out of memory
        failed_restart(error.what(), static_cast<int>(ExitCode::engine));
    }
    ::malloc_trim(0);
}

/// Counts as a run that ended at once: what is missing now (a namespace, memory) may be there at the next attempt.
void Supervisor::failed_restart(const std::string& reason, int exit_code) {
    waiting_.reset();
    child_ = {};
    state_.status = storage::Status::exited;
    state_.exit_code = exit_code;
    uptime_ = {};
    state_.started_at = state_.finished_at = Moment::now().ns;
    clear_away();
    state_.error = reason;
    after_end();
}

void Supervisor::call_off_restart() {
    if (restart_timer_) loop_.cancel(*std::exchange(restart_timer_, std::nullopt));
    state_.status = storage::Status::exited;
    state_.next_start_at = 0;
    conclude();
}

} // namespace kist::monitor
