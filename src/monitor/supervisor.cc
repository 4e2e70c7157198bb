// SPDX-License-Identifier: Apache-2.0
// Start, adoption and the requests of commands; the end is in supervisor_end.cc.
#include "monitor/supervisor.hh"

#include <algorithm>
#include <chrono>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "base/signals.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "monitor/buffered_log.hh"
#include "monitor/init_exit.hh"
#include "monitor/kept_log.hh"
#include "oci/run/container.hh"
#include "oci/run/systemd_scope.hh"
#include "storage/container_store.hh"
#include "storage/init_process.hh"

namespace kist::monitor {

namespace {

/// Nothing when the cgroup is made through cgroupfs: linux.cgroupsPath is a path then.
std::optional<oci::ScopeName> scope_of(const Job& job) {
    const std::string& path = job.spec.linux_.cgroups_path;
    if (path.empty() || path.starts_with('/')) return std::nullopt;
    return oci::parse_scope(path, job.id);
}

oci::Cgroup make_cgroup(const Job& job, std::optional<oci::ScopeHolder>& holder) {
    const oci::CgroupHost host = oci::CgroupHost::detect();
    const auto scope = scope_of(job);
    if (!scope) return oci::Cgroup::create(host, job.cgroup_path, job.spec.linux_.resources);
    const oci::ScopeOptions options{.name = *scope,
                                    .description = "container " + job.id,
                                    .resources = job.spec.linux_.resources,
                                    .properties = oci::annotated_properties(job.spec.annotations)};
    return oci::start_scope(host, options, oci::Cgroup::Existing::empty, holder);
}

constexpr std::size_t program_limit = 1 << 20;
constexpr std::size_t state_limit = 1 << 20;

bool makes_pid_namespace(const oci::Spec& spec) {
    for (const oci::Namespace& ns : spec.linux_.namespaces)
        if (ns.type == oci::NamespaceType::pid) return ns.path.empty();
    return false;
}

} // namespace

Assignment::Assignment(const Job& job)
    : id(job.id),
      data_root(job.data_root),
      run_root(job.run_root),
      event_attributes(job.event_attributes),
      scope(scope_of(job).value_or(oci::ScopeName{}).unit),
      terminal(job.spec.process && job.spec.process->terminal),
      stdin_once(job.stdin_once),
      auto_remove(job.auto_remove),
      own_pid_namespace(makes_pid_namespace(job.spec)),
      limited_memory(job.spec.linux_.resources.memory && job.spec.linux_.resources.memory->limit),
      has_poststop(!job.spec.hooks.poststop.empty()),
      stop_signal(parse_signal(job.stop_signal).value_or(SIGTERM)),
      restart(job.restart),
      stop_timeout(job.stop_timeout) {}

Supervisor::Supervisor(Dir run, const Job& job, Fd commander)
    : run_(std::move(run)),
      task_(job),
      lock_(FileLock::try_acquire(run_, std::string(monitor_lock))),
      server_(loop_, {[this](ClientId id, const PacketView& packet) { on_packet(id, packet); },
                      [this](ClientId id, std::uint8_t flags) { on_gone(id, flags); },
                      [this] {
                          if (output_) output_->resume();
                      }}) {
    commander_ = server_.add(std::move(commander), Server::Patience::unlimited);
    state_.boot_id = storage::current_boot_id();
    state_.monitor_pid = ::getpid();
    if (!lock_) throw Error("container '{}' has a monitor already", task_.id);
}

Supervisor::~Supervisor() = default;

void Supervisor::write_state() {
    write_atomically(run_, state_file, storage::dump_state(state_), Durability::volatile_);
}

bool Supervisor::start(const Job& job, First first) {
    try {
        // What the commander has sent before it started us: attach, and the terminal's size.
        while (server_.receive(commander_)) continue;
        log_.emplace(job.log, make_sink(job));
        server_.listen(run_);
        create(job, first);
    } catch (const Error& error) {
        fail(error, commander_);
        return false;
    } catch (const std::exception& error) { // out of memory: told like any other reason
        fail(Error("{}", error.what()), commander_);
        return false;
    }
    if (waiting_) {
        serve();
        tell("init");
        tell_started({});
        return true;
    }
    const std::string warnings = run_poststart(job);
    serve();
    tell("start");
    if (notify_) notify_->started(); // before a command that ends leaves the service without a main process
    tell_started(warnings);
    start_health(job);
    return true;
}

std::unique_ptr<LogSink> Supervisor::make_sink(const Job& job) {
    if (job.log.buffer_size > 0) return std::make_unique<BufferedLog>(run_, job.id, job.log.buffer_size);
    return open_log(loop_, job.log);
}

void Supervisor::create(const Job& job, First first) {
    stdio_ = ContainerStdio::make(run_, job, passed_stdio_);
    std::optional<oci::ScopeHolder> holder;
    cgroup_ = make_cgroup(job, holder);
    oci::LaunchOptions options;
    options.user = job.user;
    options.group_add = job.group_add;
    options.create_cwd = true;
    options.clamp_rlimits = job.clamp_rlimits;
    state_.hooks.clear();
    if (!job.spec.hooks.empty()) {
        options.hooks = hook_context(job);
        state_.status = storage::Status::running; // what commands see while hooks run
        state_.started_at = Moment::now().ns;
    }
    if (!job.seccomp_program.empty()) options.seccomp = read_file(job.seccomp_program, program_limit);
    if (!task_.terminal)
        for (std::size_t n = 0; n < options.stdio.size(); ++n) options.stdio[n] = stdio_.container_side[n].get();
    oci::Spec spec = job.spec;
    const Fd users = make_network(job, spec);
    notify_manager(job);
    const oci::CreatedProcess& init = waiting_.emplace(oci::create_container(spec, job.root, *cgroup_, options));
    if (holder) holder->let_go(*cgroup_);
    stdio_.drop_container_side();
    if (task_.terminal) stdio_.use_terminal(std::move(waiting_->terminal()));
    if (size_) resize(format_resize(*size_));
    state_.pid = init.pid();
    state_.pid_start_time = process_start_time(init.pid()).value_or(0);
    state_.status = first == First::wait ? storage::Status::initialized : storage::Status::running;
    state_.started_at = first == First::wait ? 0 : Moment::now().ns;
    state_.error.clear();
    state_.oom_killed = false;
    state_.health = job.health ? storage::Health::starting : storage::Health::none;
    end_told_ = restarts_anyway_ = false;
    // Before it may run: were we killed after start() and before this, nobody would know of a living container.
    write_state();
    network_.pin(init.pid());
    follow_files(job, init.child().pidfd());
    if (first == First::run) begin_program();
}

void Supervisor::begin_program() {
    waiting_->start();
    child_ = waiting_->take();
    waiting_.reset();
}

const Fd& Supervisor::init_pidfd() const {
    if (waiting_) return waiting_->child().pidfd();
    return pidfd_ ? pidfd_ : child_.pidfd();
}

/// From here on the loop has everything that it reacts to.
void Supervisor::serve() {
    watch_container();
    watch_memory_events();
    take_signals();
}

void Supervisor::take_signals() {
    // A host that shuts down, or an administrator, ends the container by ending its monitor.
    loop_.on_signals({SIGTERM}, [this](const signalfd_siginfo&) {
        stop({.timeout = task_.stop_timeout, .signal = 0, .purpose = StopPurpose::shutdown});
    });
}

void Supervisor::watch_container() {
    input_.emplace(loop_, server_, std::move(stdio_.input),
                   task_.terminal ? InputPump::Kind::terminal : InputPump::Kind::pipe);
    output_.emplace(loop_, stdio_, *log_, server_);
    loop_.watch(init_pidfd().get(), EPOLLIN, [this](std::uint32_t) { on_init_exit(); });
}

void Supervisor::tell_started(const std::string& warnings) {
    send_started(commander_, warnings);
    leave_starters_cgroup(oci::CgroupHost::detect());
}

void Supervisor::send_started(ClientId client, const std::string& warnings) {
    server_.send(client, Packet::started, std::to_string(state_.pid) + (warnings.empty() ? "" : "\n" + warnings));
}

/// Not on the way to the container's start: nothing of ours there is charged to the starter before.
void Supervisor::leave_starters_cgroup(const oci::CgroupHost& host) {
    // systemd hears only members of its service's group. A monitor that adopts was not started there.
    const bool in_service = notify_ && !pidfd_;
    try {
        if (!in_service) oci::join_monitor_cgroup(host);
    } catch (const Error&) {
        // A host that lets no cgroup be made for monitors still runs containers.
    }
    // Best effort for the same reason: lowering needs CAP_SYS_RESOURCE.
    const Fd score{::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)};
    if (score && ::write(score.get(), "-999", 4) < 0) return;
}

bool Supervisor::adopt(const Job& job) {
    state_ = storage::parse_state(read_file(run_, state_file, state_limit), state_file);
    state_.monitor_pid = ::getpid();
    cgroup_ = oci::Cgroup::open(oci::CgroupHost::detect(), job.cgroup_path);
    log_.emplace(job.log, make_sink(job));
    const auto pid = static_cast<pid_t>(state_.pid);
    auto pidfd = pid > 0 ? open_pidfd(pid) : std::nullopt;
    // The pidfd first: what is seen alive through it now cannot be another process later.
    const storage::InitLook look = storage::look_at_init(pid, state_.pid_start_time);
    stdio_ = look.kind == storage::InitLook::Kind::alive || look.kind == storage::InitLook::Kind::zombie
                 ? ContainerStdio::reopen(run_, job)
                 : ContainerStdio{};
    if (!pidfd || look.kind != storage::InitLook::Kind::alive) return take_over_dead(look.status);
    pidfd_ = std::move(*pidfd);
    adopt_network();
    try {
        follow_files(job, pidfd_);
    } catch (const Error& error) { // the container runs on with the files it has
        state_.error = error.message();
    }
    // Not what is on record: the last monitor may have been killed between freezing it and writing that down.
    state_.status = cgroup_->is_frozen() ? storage::Status::paused : storage::Status::running;
    // For whom it was held knows by the lost connection that it does not stand still any more.
    if (std::exchange(state_.held, false) && state_.status == storage::Status::paused) {
        cgroup_->thaw();
        state_.status = storage::Status::running;
        tell("unpause");
    }
    server_.listen(run_);
    write_state();
    serve();
    take_over_notify(job);
    tell_started();
    start_health(job);
    return true;
}

/// Its last monitor was killed before it could record the end, or while it waited to start the container again.
bool Supervisor::take_over_dead(const std::optional<ExitStatus>& status) {
    const bool waited = state_.status == storage::Status::restarting;
    if (!waited) {
        output_.emplace(loop_, stdio_, *log_, server_);
        note_exit(status);
        clear_away();
    }
    if (!waited && !next_start()) {
        conclude();
        return false;
    }
    server_.listen(run_);
    take_signals();
    tell_started(); // before `exited`, which would say that this monitor ends
    if (!waited) after_end();
    else
        wait_for_restart(std::chrono::nanoseconds(std::clamp<std::int64_t>(
            state_.next_start_at - Moment::now().ns, 0, std::max<std::int64_t>(state_.restart_delay, 0))));
    return true;
}

int Supervisor::run() {
    loop_.run();
    return stop_asked_ ? 0 : state_.exit_code;
}

void Supervisor::on_packet(ClientId client, const PacketView& packet) {
    switch (packet.type) {
    case Packet::attach: return attach(client, packet.payload);
    case Packet::stdin_data:
        if (input_) input_->write(client, packet.payload);
        return;
    case Packet::stdin_end:
        if (input_ && task_.stdin_once) input_->finish();
        return;
    case Packet::resize: return resize(packet.payload);
    case Packet::ping: return server_.send(client, Packet::done);
    case Packet::start: return start_waiting(client);
    case Packet::pause: return answer(client, [this] { pause(); });
    case Packet::unpause: return answer(client, [this] { unpause(); });
    case Packet::hold: return answer(client, [&] { hold(client); });
    case Packet::let_go: return answer(client, [&] { let_go(client); });
    case Packet::reload: return answer(client, [this] { reload(); });
    case Packet::check_health: return answer_failure(client, [&] { check_health(client); });
    case Packet::connect: return answer(client, [&] { connect_network(packet.payload); });
    case Packet::disconnect: return answer(client, [&] { disconnect_network(std::string(packet.payload)); });
    case Packet::reload_network: return answer(client, [this] { network_.reload(Dir::open(task_.run_root)); });
    case Packet::name_servers: return answer(client, [&] { use_name_servers(packet.payload); });
    case Packet::signal:
        return answer(
            client, [&] { signal_for_user(client, static_cast<int>(parse_unsigned(packet.payload, 64).value_or(0))); });
    case Packet::stop:
        // Answered by `exited`, when that is true.
        return answer_failure(client, [&] {
            const auto request = parse_stop(packet.payload);
            if (!request) throw Error("malformed stop request");
            stop(*request);
            stoppers_.push_back(client);
        });
    default: return;
    }
}

/// For a request that is answered later.
void Supervisor::answer_failure(ClientId client, const std::function<void()>& request) {
    try {
        request();
    } catch (const Error& error) {
        server_.send(client, Packet::failed, format_failure(error));
    }
}

/// Attached clients' requests are key strokes and signals: they wait for no answer.
void Supervisor::answer(ClientId client, const std::function<void()>& request) {
    const bool wanted = !server_.is_attached(client);
    try {
        request();
        if (wanted) server_.send(client, Packet::done);
    } catch (const Error& error) {
        if (wanted) server_.send(client, Packet::failed, format_failure(error));
    }
}

void Supervisor::attach(ClientId client, std::string_view payload) {
    const auto flags = static_cast<std::uint8_t>(payload.empty() ? 0 : payload.front());
    server_.attach(client, flags);
    if ((flags & attach_stdin) != 0 && input_ && !input_->is_open()) server_.send(client, Packet::stdin_closed);
}

void Supervisor::on_gone(ClientId client, std::uint8_t flags) {
    try {
        let_go(client);
    } catch (const Error& error) { // nobody is there to be told
        state_.error = error.message();
        try_write_state();
    }
    // A terminal stays: its user may come back.
    if ((flags & attach_stdin) != 0 && input_ && task_.stdin_once && !task_.terminal) input_->finish();
}

void Supervisor::resize(std::string_view payload) {
    const auto size = parse_resize(payload);
    if (!size || !task_.terminal) return;
    size_ = size; // also for the terminal of the next start
    if (!stdio_.out) return;
    winsize window{};
    window.ws_row = size->rows;
    window.ws_col = size->columns;
    ::ioctl(stdio_.out.get(), TIOCSWINSZ, &window); // a terminal that hangs up has no size
}

void Supervisor::signal(int number) {
    if (number <= 0) throw Error("malformed signal request");
    const Fd& pidfd = init_pidfd();
    if (pidfd && ::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0) != 0 && errno != ESRCH)
        throw SysError("sending signal {} to the container", number);
    tell("kill", "signal", std::to_string(number));
    // A frozen process dies of it only when it is thawed; other signals wait for the user's unpause.
    if (state_.status == storage::Status::paused && (number == SIGKILL || number == task_.stop_signal)) unpause();
}

/// A user who ends it by a signal wants what a user of stop wants; what an attached terminal sends is for the program.
void Supervisor::signal_for_user(ClientId client, int number) {
    check_runs();
    signal(number);
    if (server_.is_attached(client) || (number != SIGKILL && number != task_.stop_signal)) return;
    stays_ended_ = true;
    state_.stopped_by_user = true;
}

void Supervisor::check_runs() const {
    if (waiting_)
        throw Error("container '{}' is not running: it is initialized", task_.id).with_exit_code(ExitCode::failure);
    if (state_.status == storage::Status::restarting)
        throw Error("container '{}' is restarting, wait until it is running", task_.id)
            .with_exit_code(ExitCode::failure);
}

void Supervisor::stop(const StopRequest& request) {
    const bool restarting = state_.status == storage::Status::restarting;
    if (request.purpose == StopPurpose::cancel && !restarting && !waiting_)
        throw Error("it is running").with_exit_code(ExitCode::failure);
    keep_record_ = keep_record_ || request.purpose == StopPurpose::restart;
    stays_ended_ = stop_asked_ = true;
    if (request.purpose == StopPurpose::stop) state_.stopped_by_user = true;
    if (restarting) return call_off_restart();
    if (waiting_) return kill_all(); // there is no program to be asked
    begin_stop(request.timeout, request.signal != 0 ? request.signal : task_.stop_signal);
}

void Supervisor::begin_stop(std::int64_t timeout, int signal_number) {
    if (timeout == 0) return kill_all();
    try {
        signal(signal_number);
        if (state_.status == storage::Status::paused) unpause();
        if (notify_) notify_->stopping();
        state_.status = storage::Status::stopping;
        write_state();
    } catch (const Error&) {
        // It cannot be asked to end (or the run folder is full): what remains is the time limit.
    }
    if (timeout < 0) return;
    // Of several requests the earliest limit counts.
    const auto limit = std::chrono::seconds(timeout);
    const std::int64_t due = std::chrono::duration_cast<std::chrono::nanoseconds>(
                                 std::chrono::steady_clock::now().time_since_epoch() + limit)
                                 .count();
    if (kill_timer_ && kill_at_ <= due) return;
    if (kill_timer_) loop_.cancel(*kill_timer_);
    kill_at_ = due;
    kill_timer_ = loop_.after(limit, [this] { kill_all(); });
}

void Supervisor::kill_all() {
    expect_end();
    try {
        signal(SIGKILL);
        cgroup_->kill_all();
    } catch (const Error&) {
        // The processes that are left are tried once more at the end.
    }
}

void Supervisor::pause() {
    check_runs();
    if (state_.status == storage::Status::paused) throw Error("container '{}' is already paused", task_.id);
    if (health_) health_->pause();
    try {
        // waits for processes in the kernel, 10 s at most: nothing in the container needs us meanwhile
        cgroup_->freeze();
    } catch (const Error&) {
        if (health_) health_->resume();
        throw;
    }
    state_.status = storage::Status::paused;
    write_state();
    tell("pause");
}

void Supervisor::unpause() {
    if (state_.status != storage::Status::paused) throw Error("container '{}' is not paused", task_.id);
    cgroup_->thaw();
    state_.status = kill_timer_ ? storage::Status::stopping : storage::Status::running;
    state_.held = false;
    holders_.clear();
    write_state();
    if (health_) health_->resume();
    tell("unpause");
}

void Supervisor::hold(ClientId client) {
    check_runs();
    if (state_.status == storage::Status::paused && !state_.held) return; // the user's own outlasts this
    holders_.push_back(client);
    if (std::exchange(state_.held, true)) return;
    try {
        write_state(); // before it is frozen: who takes over must not think that the user did it
        pause();
    } catch (const Error&) {
        // One that is frozen, which could not be written down, goes on when this client has gone.
        if (state_.status != storage::Status::paused) {
            state_.held = false;
            holders_.clear();
            try_write_state();
        }
        throw;
    }
}

void Supervisor::let_go(ClientId client) {
    if (std::erase(holders_, client) != 0 && holders_.empty()) unpause();
}

} // namespace kist::monitor
