// SPDX-License-Identifier: Apache-2.0
// Carries out a container's health checks from its monitor's loop: one at a time, each a process in the container with a
// cgroup of its own below the container's, so that nothing of it outlives its time. Nothing here blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.hh"
#include "base/file.hh"
#include "monitor/health_tracker.hh"
#include "monitor/protocol.hh"
#include "oci/run/cgroup.hh"
#include "oci/run/container.hh"

namespace kist::monitor {

/// Of the container that is checked; they outlive the runner.
struct CheckedContainer {
    const Dir& run;
    const oci::Cgroup& cgroup;
    const Fd& init;
    pid_t pid;
};

class HealthRunner {
public:
    struct Events {
        std::function<void(storage::Health)> on_change;
        std::function<void(storage::HealthAction)> on_unhealthy;
    };
    /// `status` and `uptime` as HealthTracker's: of a container that was adopted they go on. Starts the first interval.
    HealthRunner(EventLoop& loop, const CheckedContainer& container, const Job& job, storage::Health status,
                 std::chrono::nanoseconds uptime, Events events);
    HealthRunner(const HealthRunner&) = delete;
    HealthRunner& operator=(const HealthRunner&) = delete;
    ~HealthRunner();

    storage::Health status() const { return tracker_.status(); }
    /// Other rules from now on (`update`); a check that runs is dropped.
    void change(const storage::HealthCheck& check);
    /// No checks while the container is paused; one that runs is dropped without a record.
    void pause();
    void resume();
    /// A check at once, or the one that runs already; `done` gets its exit code.
    void check_now(std::function<void(int exit_code)> done);

private:
    struct Running {
        oci::EnteringProcess process;
        Fd output;
        std::string text;
        std::int64_t started_at = 0;
        std::chrono::nanoseconds uptime{};
        std::optional<std::string> failure; ///< it could not be executed; the reason
        int failure_code = 0;
        int stages_late = 0; ///< 1: SIGTERM was sent, 2: SIGKILL was sent
    };

    void schedule();
    void cancel_timers();
    void begin();
    void on_entered();
    void on_output();
    void on_timeout();
    void on_exit();
    void give_up();
    void fail(const Error& error);
    void note_failure(const Error& error);
    storage::HealthRecord make_record(Running& ended, const std::optional<ExitStatus>& status) const;
    void let_die(Child child);
    void kill_strays(pid_t group);
    void empty_group();
    void clear_old_groups() const;
    void finish(storage::HealthRecord record, std::chrono::nanoseconds uptime);
    void append(storage::HealthRecord record) const;
    void drop();
    void unwatch();
    std::chrono::nanoseconds uptime() const;
    oci::EnteringProcess enter(const Fd& output) const;

    EventLoop& loop_;
    CheckedContainer container_;
    Events events_;
    HealthTracker tracker_;
    oci::Process process_; ///< the container's own; the arguments are put in for each check
    std::string user_;
    std::vector<std::string> group_add_, clamp_rlimits_;
    std::string seccomp_program_;
    Fd group_; ///< the checks' cgroup; none on a host without a v2 tree
    int group_number_ = 0;
    std::chrono::steady_clock::time_point started_; ///< the container
    std::optional<EventLoop::TimerId> next_, limit_;
    std::optional<Running> running_;
    std::vector<Child> dying_; ///< given up; reaped when they end
    std::vector<std::function<void(int)>> waiting_;
    bool paused_ = false;
};

/// At most `limit` bytes of what a check has written, as valid UTF-8.
std::string health_output(std::string_view bytes, std::size_t limit);

} // namespace kist::monitor
