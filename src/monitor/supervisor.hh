// SPDX-License-Identifier: Apache-2.0
// The life of one container as its monitor sees it: start or adopt, requests of the commands, the end and its record.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/event_loop.hh"
#include "base/lock.hh"
#include "base/process.hh"
#include "monitor/file_follower.hh"
#include "monitor/health_runner.hh"
#include "monitor/input_pump.hh"
#include "monitor/log_writer.hh"
#include "monitor/output_pump.hh"
#include "monitor/protocol.hh"
#include "monitor/server.hh"
#include "monitor/service_notify.hh"
#include "monitor/stdio.hh"
#include "netns/container_network.hh"
#include "netns/firewall_watch.hh"
#include "netns/name_server.hh"
#include "oci/run/cgroup.hh"
#include "oci/run/container.hh"
#include "oci/run/hooks.hh"
#include "storage/container_config.hh"

namespace kist::monitor {

inline constexpr std::size_t job_limit = 16u << 20;     ///< of monitor.json
inline constexpr const char* state_file = "state.json"; ///< of storage::ContainerStore, in the run folder

/// What of a Job is needed while the container runs: the rest of it is freed after the start.
struct Assignment {
    std::string id, data_root, run_root, event_attributes;
    std::string scope; ///< the unit that systemd makes the cgroup as; empty: it is made through cgroupfs
    bool terminal = false, stdin_once = false, auto_remove = false;
    bool own_pid_namespace = false; ///< init's end is everybody's end
    bool limited_memory = false;
    bool has_poststop = false;
    int stop_signal = 15;
    storage::RestartPolicy restart;
    int stop_timeout = 10;
    explicit Assignment(const Job& job);
};

class Supervisor {
public:
    /// Takes monitor.lock; throws Error when another monitor holds it. `commander`: the spawn socket.
    Supervisor(Dir run, const Job& job, Fd commander);
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;
    ~Supervisor();

    /// With the log driver passthrough: see ContainerStdio. Before start() or adopt().
    void use_stdio(std::array<Fd, 3> passed) { passed_stdio_ = std::move(passed); }
    /// Makes the container, starts its program or lets it wait for Packet::start, and tells the commander. On failure everything
    /// made is gone, the commander has been told why, and the result is false.
    enum class First { run, wait };
    bool start(const Job& job, First first);
    /// Takes over what runs; false when it has ended already, which is then on record.
    bool adopt(const Job& job);
    /// Until the container's end is on record and told to everybody. Returns its exit code, or 0 when the end was asked for.
    int run();

private:
    void create(const Job& job, First first = First::run);
    void begin_program();
    void start_waiting(ClientId client);
    void forget_streams();
    const Fd& init_pidfd() const;
    /// Writes it into the spec by descriptor numbers: keep what is returned until the container's process exists.
    Fd make_network(const Job& job, oci::Spec& spec);
    void adopt_network();
    void look_after_network();
    void connect_network(std::string_view payload);
    void disconnect_network(const std::string& name);
    void use_name_servers(std::string_view payload);
    void end_network();
    void fail(const Error& error, ClientId client);
    std::unique_ptr<LogSink> make_sink(const Job& job);
    void serve();
    void watch_container();
    void take_signals();
    void write_state();
    void tell_started(const std::string& warnings = {});
    void send_started(ClientId client, const std::string& warnings);
    oci::HookContext hook_context(const Job& job);
    std::string run_poststart(const Job& job);
    void run_poststop();
    void try_write_state();
    bool take_over_dead(const std::optional<ExitStatus>& status);
    void leave_starters_cgroup(const oci::CgroupHost& host);

    void on_packet(ClientId client, const PacketView& packet);
    void on_gone(ClientId client, std::uint8_t flags);
    void answer(ClientId client, const std::function<void()>& request);
    void answer_failure(ClientId client, const std::function<void()>& request);
    void attach(ClientId client, std::string_view payload);
    void resize(std::string_view payload);
    void signal(int number);
    void signal_for_user(ClientId client, int number);
    void check_runs() const;
    void stop(const StopRequest& request);
    void kill_all();
    void expect_end();
    void tell_stuck();
    void pause();
    void unpause();
    void hold(ClientId client);
    void let_go(ClientId client);
    void follow_files(const Job& job, const Fd& init);
    void notify_manager(const Job& job);
    void take_over_notify(const Job& job);
    void start_health(const Job& job);
    void set_health(storage::Health status);
    void check_health(ClientId client);
    void begin_stop(std::int64_t timeout, int signal_number);
    void act_on_health(storage::HealthAction action);
    void reload();

    void on_init_exit();
    void note_exit(const std::optional<ExitStatus>& status);
    void clear_away();
    void after_end();
    std::optional<std::chrono::nanoseconds> next_start() const;
    void wait_for_restart(std::chrono::nanoseconds delay);
    void restart();
    void failed_restart(const std::string& reason, int exit_code);
    void call_off_restart();
    void conclude();
    bool was_oom_killed(const ExitStatus& status) const;
    void watch_memory_events();
    void read_memory_events();
    void forget_memory_events();
    void remove_cgroup();
    void record_exit();
    void remove_record();
    void farewell();
    void record_failure(const Error& error);
    /// Into the event log.
    void tell(std::string_view action, std::string_view attribute = {}, std::string_view value = {}) const;
    void tell_end();

    Dir run_;
    Assignment task_;
    std::optional<FileLock> lock_;
    EventLoop loop_;
    Server server_;
    ClientId commander_ = 0;
    storage::ContainerState state_;
    std::optional<oci::Cgroup> cgroup_;
    Fd memory_events_; ///< of a scope
    bool saw_oom_kill_ = false;
    netns::ContainerNetwork network_;
    std::unique_ptr<netns::NameServer> names_;       ///< none without a network that has names
    std::unique_ptr<netns::FirewallWatch> firewall_; ///< none without a bridge
    std::unique_ptr<ServiceNotify> notify_;          ///< none without a service manager
    std::array<Fd, 3> passed_stdio_;
    ContainerStdio stdio_;
    std::optional<LogWriter> log_;
    std::optional<OutputPump> output_;
    std::optional<InputPump> input_;
    std::optional<oci::CreatedProcess> waiting_;   ///< init, in front of its program
    std::chrono::steady_clock::duration waited_{}; ///< how long it was that
    Child child_;                                  ///< init; none when adopted or waiting
    Fd pidfd_;                                     ///< of an adopted init
    std::optional<WindowSize> size_;               ///< asked for before there was a terminal
    std::optional<EventLoop::TimerId> kill_timer_, stuck_timer_;
    std::vector<ClientId> stoppers_; ///< who waits for the end
    std::vector<ClientId> holders_;  ///< for whom it is paused; none: it is not, or for its user
    std::int64_t kill_at_ = 0;
    std::unique_ptr<HealthRunner> health_;   ///< none: nothing is checked
    std::unique_ptr<FileFollower> follower_; ///< none: no file is followed
    std::optional<EventLoop::TimerId> restart_timer_;
    std::chrono::nanoseconds uptime_{}; ///< of the last run
    bool restarts_anyway_ = false;      ///< without a restart policy: for its health
    bool stays_ended_ = false;          ///< whatever the restart policy says: a stop was asked for
    bool keep_record_ = false;          ///< no auto_remove this time
    bool stop_asked_ = false;
    bool end_told_ = false;
};

} // namespace kist::monitor
