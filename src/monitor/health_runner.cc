// SPDX-License-Identifier: Apache-2.0
#include "monitor/health_runner.hh"

#include <array>
#include <csignal>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/process.hh"
#include "base/time.hh"
#include "monitor/utf8.hh"

namespace kist::monitor {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using storage::HealthRecord;

namespace {

constexpr std::size_t program_limit = 1 << 20;
constexpr std::size_t log_limit = 16u << 20;
constexpr auto kill_pause = 1s; ///< between SIGTERM and SIGKILL for a check that takes too long
constexpr int took_too_long = -1;
constexpr int reads_per_turn = 16;
constexpr const char* group_prefix = "health-";
constexpr const char* log_file = "health.json";

std::string group_name(int number) { return group_prefix + std::to_string(number); }

} // namespace

std::string health_output(std::string_view bytes, std::size_t limit) {
    std::string text;
    while (!bytes.empty()) {
        const std::size_t length = utf8_sequence(bytes);
        const std::string_view next = length == 0 ? "\xEF\xBF\xBD" : bytes.substr(0, length);
        if (text.size() + next.size() > limit) break;
        text += next;
        bytes.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return text;
}

HealthRunner::HealthRunner(EventLoop& loop, const CheckedContainer& container, const Job& job, storage::Health status,
                           nanoseconds uptime, Events events)
    : loop_(loop),
      container_(container),
      events_(std::move(events)),
      tracker_(*job.health, status, 0),
      process_(*job.spec.process),
      user_(job.user.value_or("")),
      group_add_(job.group_add),
      clamp_rlimits_(job.clamp_rlimits),
      seccomp_program_(job.seccomp_program),
      started_(std::chrono::steady_clock::now() -
               std::chrono::duration_cast<std::chrono::steady_clock::duration>(uptime)) {
    process_.terminal = false;
    process_.console_size.reset();
    if (!process_.oom_score_adj) process_.oom_score_adj = 0; // ours is not for it
    if (status == storage::Health::none || status == storage::Health::starting) {
        container.run.remove_file(log_file); // of the run before
    } else if (const auto text = read_file_if_exists(container.run, log_file, log_limit)) {
        try {
            tracker_ = HealthTracker(*job.health, status, storage::parse_health(*text, log_file).failing_streak);
        } catch (const Error&) { // a damaged log costs the streak, no more
        }
    }
    clear_old_groups();
    // Its own name among those of killed monitors that could not be removed.
    group_number_ = static_cast<int>(Moment::now().ns / 1'000'000 % 1'000'000'000);
    group_ = container.cgroup.open_subgroup(group_name(group_number_));
    schedule();
}

/// The container's init has ended, and so have all processes in its pid namespace: nothing to wait for.
HealthRunner::~HealthRunner() {
    drop();
    for (const Child& child : dying_) loop_.unwatch(child.pidfd().get());
    cancel_timers();
}

nanoseconds HealthRunner::uptime() const { return std::chrono::steady_clock::now() - started_; }

void HealthRunner::cancel_timers() {
    for (auto* timer : {&next_, &limit_})
        if (*timer) loop_.cancel(*std::exchange(*timer, std::nullopt));
}

void HealthRunner::schedule() {
    if (next_) loop_.cancel(*std::exchange(next_, std::nullopt));
    if (paused_ || !tracker_.check().scheduled) return;
    next_ = loop_.after(tracker_.pause(uptime()), [this] {
        next_.reset();
        begin();
    });
}

void HealthRunner::change(const storage::HealthCheck& check) {
    drop();
    tracker_ = HealthTracker(check, tracker_.status(), tracker_.failing_streak());
    schedule();
}

void HealthRunner::pause() {
    paused_ = true;
    drop();
    cancel_timers();
}

void HealthRunner::resume() {
    if (std::exchange(paused_, false)) schedule();
}

void HealthRunner::check_now(std::function<void(int)> done) {
    if (paused_) throw Error("it is paused").with_exit_code(ExitCode::failure);
    waiting_.push_back(std::move(done));
    if (running_) return;
    if (next_) loop_.cancel(*std::exchange(next_, std::nullopt));
    begin();
}

oci::EnteringProcess HealthRunner::enter(const Fd& output) const {
    const Fd nothing = open_null();
    oci::Process process = process_;
    process.args = tracker_.command();
    oci::LaunchOptions options;
    options.user = user_;
    options.group_add = group_add_;
    options.clamp_rlimits = clamp_rlimits_;
    options.stdio = {nothing.get(), output.get(), output.get()};
    options.unified_folder = &group_;
    if (!seccomp_program_.empty()) options.seccomp = read_file(seccomp_program_, program_limit);
    return oci::begin_entering(container_.init, container_.pid, process, container_.cgroup, options);
}

void HealthRunner::begin() {
    std::array<int, 2> ends{};
    try {
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw SysError("making a pipe");
        Fd output{ends[0]};
        const Fd input{ends[1]};
        ::fcntl(output.get(), F_SETFL, O_NONBLOCK);
        running_.emplace(Running{.process = enter(input), .output = std::move(output), .text = {}, .failure = {}});
    } catch (const Error& error) {
        return fail(error);
    }
    running_->started_at = Moment::now().ns;
    running_->uptime = uptime();
    loop_.watch(running_->process.fd(), EPOLLIN, [this](std::uint32_t) { on_entered(); });
    loop_.watch(running_->process.child().pidfd().get(), EPOLLIN, [this](std::uint32_t) { on_exit(); });
    loop_.watch(running_->output.get(), EPOLLIN, [this](std::uint32_t) { on_output(); });
    limit_ = loop_.after(tracker_.timeout(), [this] { on_timeout(); });
}

/// A step of its way into the container.
void HealthRunner::on_entered() {
    try {
        if (running_->process.advance()) loop_.unwatch(running_->process.fd());
    } catch (const Error& error) {
        note_failure(error); // it ends by itself; on_exit() makes the record
    }
}

void HealthRunner::note_failure(const Error& error) {
    loop_.unwatch(running_->process.fd());
    running_->failure = error.message();
    running_->failure_code = static_cast<int>(error.exit_code());
}

void HealthRunner::on_output() {
    std::array<char, 4096> buffer;
    const auto limit = static_cast<std::size_t>(tracker_.check().max_log_size);
    for (int n = 0; n < reads_per_turn; ++n) {
        const ssize_t count = ::read(running_->output.get(), buffer.data(), buffer.size());
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (count <= 0) return loop_.unwatch(running_->output.get());
        // What is beyond the limit is read, so that the check is not held up, and forgotten.
        const std::size_t room = limit - std::min(limit, running_->text.size());
        running_->text.append(buffer.data(), std::min(room, static_cast<std::size_t>(count)));
    }
}

/// First politely, then surely. A check that outlives even that hangs in the kernel: it has failed, and is waited for no more.
void HealthRunner::on_timeout() {
    limit_.reset();
    const pid_t group = running_->process.child().pid();
    switch (++running_->stages_late) {
    case 1: ::kill(-group, SIGTERM); break; // not reaped yet: the number is still its own
    case 2:
        running_->process.child().signal(SIGKILL);
        kill_strays(group);
        break;
    default: return give_up();
    }
    limit_ = loop_.after(kill_pause, [this] { on_timeout(); });
}

void HealthRunner::kill_strays(pid_t group) {
    ::kill(-group, SIGKILL);
    empty_group();
}

/// A cgroup that was killed once kills whatever is born into it from then on (Linux 6.18: the sequence numbers of kills are
/// compared with the parent's cgroup): the next check has a new one. The old one goes now, or with the container.
void HealthRunner::empty_group() {
    if (!oci::Cgroup::kill_subgroup(group_)) return;
    const int folder = container_.cgroup.unified().get();
    for (const int number : {group_number_ - 1, group_number_})
        ::unlinkat(folder, group_name(number).c_str(), AT_REMOVEDIR); // what still has a dying member is left
    group_ = container_.cgroup.open_subgroup(group_name(++group_number_));
}

/// Of a monitor that was killed: with a check, perhaps.
void HealthRunner::clear_old_groups() const {
    if (!container_.cgroup.unified()) return;
    const Dir folder(container_.cgroup.unified().duplicate(), container_.cgroup.path());
    for (const std::string& name : folder.names()) {
        if (!name.starts_with(group_prefix)) continue;
        if (const auto group = folder.open_dir_if_exists(name)) oci::Cgroup::kill_subgroup(group->fd());
        ::unlinkat(folder.fd().get(), name.c_str(), AT_REMOVEDIR);
    }
}

void HealthRunner::unwatch() {
    loop_.unwatch(running_->process.fd());
    loop_.unwatch(running_->process.child().pidfd().get());
    loop_.unwatch(running_->output.get());
    if (limit_) loop_.cancel(*std::exchange(limit_, std::nullopt));
}

HealthRecord HealthRunner::make_record(Running& ended, const std::optional<ExitStatus>& status) const {
    HealthRecord record{ended.started_at, Moment::now().ns, took_too_long, {}};
    if (status) record.exit_code = status->code();
    if (ended.failure) record.exit_code = ended.failure_code;
    record.output = ended.failure.value_or(std::move(ended.text));
    if (ended.stages_late == 0) return record;
    record.exit_code = took_too_long;
    const std::string reason = "Health check exceeded timeout (" + to_go_duration(tracker_.timeout()) + ")";
    record.output.insert(0, record.output.empty() ? reason : reason + ": ");
    return record;
}

void HealthRunner::on_exit() {
    on_output();
    // Its last words: why it could not be executed.
    if (!running_->failure) {
        try {
            while (!running_->process.advance()) continue;
        } catch (const Error& error) {
            note_failure(error);
        }
    }
    unwatch();
    Running ended = std::move(*running_);
    running_.reset();
    kill_strays(ended.process.child().pid()); // before it is reaped: the number is its own
    const ExitStatus status = ended.process.child().wait();
    finish(make_record(ended, status), ended.uptime);
}

void HealthRunner::give_up() {
    unwatch();
    Running ended = std::move(*running_);
    running_.reset();
    HealthRecord record = make_record(ended, std::nullopt);
    let_die(std::move(ended.process.child()));
    finish(std::move(record), ended.uptime);
}

/// It has been killed; whoever waits for a process in the kernel waits as long as that does.
void HealthRunner::let_die(Child child) {
    const int pidfd = child.pidfd().get();
    dying_.push_back(std::move(child));
    loop_.watch(pidfd, EPOLLIN, [this, pidfd](std::uint32_t) {
        loop_.unwatch(pidfd);
        std::erase_if(dying_, [&](const Child& one) { return one.pidfd().get() == pidfd; }); // reaps
    });
}

/// Nothing could be started at all: no memory, no process left.
void HealthRunner::fail(const Error& error) {
    const std::int64_t now = Moment::now().ns;
    finish({now, now, static_cast<int>(ExitCode::engine), error.message()}, uptime());
}

void HealthRunner::finish(HealthRecord record, nanoseconds at) {
    const int exit_code = record.exit_code;
    const auto outcome = tracker_.record(exit_code == 0, at);
    append(std::move(record));
    if (outcome == HealthTracker::Outcome::changed || outcome == HealthTracker::Outcome::became_unhealthy)
        events_.on_change(tracker_.status());
    schedule();
    for (const auto& done : std::exchange(waiting_, {})) done(exit_code);
    if (outcome == HealthTracker::Outcome::became_unhealthy) events_.on_unhealthy(tracker_.check().on_failure);
    if (outcome == HealthTracker::Outcome::startup_failed) events_.on_unhealthy(storage::HealthAction::restart);
}

/// The records live in the file only: the monitor keeps none in memory.
void HealthRunner::append(HealthRecord record) const {
    storage::HealthLog log;
    try {
        if (const auto text = read_file_if_exists(container_.run, log_file, log_limit))
            log = storage::parse_health(*text, log_file);
    } catch (const Error&) { // a damaged one is replaced
    }
    const storage::HealthCheck& check = tracker_.check();
    record.output = health_output(record.output, static_cast<std::size_t>(check.max_log_size));
    log.records.push_back(std::move(record));
    const auto most = static_cast<std::size_t>(check.max_log_count);
    if (log.records.size() > most)
        log.records.erase(log.records.begin(), log.records.end() - static_cast<std::ptrdiff_t>(most));
    log.failing_streak = tracker_.failing_streak();
    try {
        write_atomically(container_.run, log_file, storage::dump_health(log), Durability::volatile_);
    } catch (const Error&) { // a full disk: the status counts, not its history
    }
}

void HealthRunner::drop() {
    if (!running_) return;
    unwatch();
    Running dropped = std::move(*running_);
    running_.reset();
    dropped.process.child().signal(SIGKILL);
    kill_strays(dropped.process.child().pid());
    let_die(std::move(dropped.process.child()));
    const auto waiting = std::exchange(waiting_, {});
    for (const auto& done : waiting) done(took_too_long);
}

} // namespace kist::monitor
