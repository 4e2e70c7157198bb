// SPDX-License-Identifier: Apache-2.0
// exec: a further process in a running container, entered from here: no monitor takes part. Without -t it has our own
// standard streams; with -t a pty of the container that exec_terminal.cc relays.
#include <csignal>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/event_loop.hh"
#include "base/in_root.hh"
#include "base/socket.hh"
#include "base/text.hh"
#include "engine/container_root.hh"
#include "engine/containers.hh"
#include "engine/create_parts.hh"
#include "engine/exec_session.hh"
#include "engine/exec_terminal.hh"
#include "engine/repair.hh"
#include "engine/spec_plan.hh"
#include "engine/tell.hh"
#include "monitor/protocol.hh"
#include "monitor/terminal.hh"
#include "oci/run/capabilities.hh"
#include "oci/run/container.hh"
#include "oci/run/sealed_program.hh"

namespace kist::engine {

namespace {

using storage::ContainerView;
using storage::Status;

constexpr std::size_t program_limit = 1u << 20;

ContainerView running_view(Engine& engine, const ContainerId& id) {
    auto view = engine.containers().view(id);
    if (!view) throw NotFound("No such container: {}", id.str());
    if (!view->damage.empty()) throw Error("container '{}': {}", id.short_id(), view->damage);
    // Paused for a command by a monitor that was killed: who takes it over lets it go on.
    if (view->state.held && view->is_orphan) view = settled_view(engine, id);
    if (view->state.status == Status::paused)
        throw Error("container {} is paused, unpause the container before exec", view->config.name)
            .with_exit_code(ExitCode::failure);
    if (view->state.status == Status::restarting)
        throw Error("container {} is restarting, wait until the container is running", view->config.name)
            .with_exit_code(ExitCode::failure);
    if (view->state.pid == 0 || view->state.status == Status::initialized)
        throw Error("container {} is not running", id.str()).with_exit_code(ExitCode::failure);
    return std::move(*view);
}

oci::Process plan_exec(const ContainerView& view, const ExecOptions& options, std::vector<std::string>& clamp) {
    const auto& config = view.config;
    oci::Process process;
    process.terminal = options.tty;
    if (options.tty)
        if (auto size = monitor::window_size()) process.console_size = oci::Box{size->rows, size->columns};
    process.args = options.command;
    process.env = merge_env(process_env(config, options.tty), options.env_files, options.env);
    process.cwd = options.workdir.empty() ? config.working_dir : options.workdir;
    if (process.cwd.empty()) process.cwd = "/";
    if (!process.cwd.starts_with('/'))
        throw UsageError("the working directory '{}' is not an absolute path", process.cwd);
    process.user.umask = config.umask.value_or(default_umask);
    process.capabilities =
        oci::capability_sets(options.privileged ? oci::all_capabilities() : capabilities_of(config.security));
    process.rlimits = process_rlimits(config, clamp);
    process.no_new_privileges = config.security.no_new_privileges && !options.privileged;
    process.oom_score_adj = config.oom_score_adj;
    return process;
}

oci::CreatedProcess enter(Engine& engine, const ContainerId& id, const ContainerView& view, const ExecOptions& options,
                          const Fd& nothing) {
    oci::LaunchOptions launch;
    oci::Process process = plan_exec(view, options, launch.clamp_rlimits);
    launch.user = options.user.empty() ? view.config.user : options.user;
    launch.group_add = view.config.group_add;
    bool confined = view.config.security.seccomp != "unconfined" && !options.privileged;
    if (confined) launch.seccomp = read_file(engine.containers().run_dir(id), "seccomp", program_limit);
    launch.stdio = {options.interactive ? 0 : nothing.get(), 1, 2};
    if (options.detach) launch.stdio = {nothing.get(), nothing.get(), nothing.get()};
    launch.extra_fds = options.preserve_fds;
    Fd init = open_init(view);
    auto cgroup = oci::Cgroup::open(engine.cgroups(), cgroup_path(view.config));
    auto created = oci::enter_container(init, view.state.pid, process, cgroup, launch);
    created.start();
    return created;
}

/// Waits for it; what would end us is passed on to it instead.
int wait_for(Child child) {
    EventLoop loop;
    loop.watch(child.pidfd().get(), EPOLLIN, [&](std::uint32_t) { loop.stop(); });
    loop.on_signals({SIGINT, SIGTERM, SIGHUP, SIGQUIT}, [&](const signalfd_siginfo& info) {
        // it has a session of its own: no key reaches it but through us
        child.signal(static_cast<int>(info.ssi_signo));
    });
    loop.run();
    return child.wait().code();
}

/// A process that may outlive this command (-d, or detached from) needs a parent that reaps it as long as it lives: the
/// zombie of a foreign parent would keep the container from ending. That parent is a copy of us in the background.
class BackgroundHalf {
public:
    template <typename Body>
    explicit BackgroundHalf(Body body) {
        SocketPair pair = make_socket_pair();
        pid_ = fork();
        if (pid_ < 0) throw SysError("starting the background part of exec");
        if (pid_ > 0) {
            socket_ = std::move(pair.first);
            return;
        }
        pair.first.reset();
        prctl(PR_SET_NAME, "kist-exec");
        try {
            body(pair.second);
        } catch (const Error& e) {
            send_message(pair.second, "F" + monitor::format_failure(e));
        } catch (...) {
            _exit(1);
        }
        _exit(0);
    }

    /// Its next answer: "X<exit code>" (it has ended), "D" (detached); what it failed at is thrown.
    std::string receive() {
        auto answer = receive_message(socket_, monitor::max_packet);
        bool goes_on = answer && answer->bytes == "D";
        if (!goes_on) waitpid(pid_, nullptr, 0);
        if (!answer || answer->bytes.empty()) throw Error("the background part of exec was killed");
        if (answer->bytes.front() == 'F') throw monitor::parse_failure(std::string_view(answer->bytes).substr(1));
        return answer->bytes;
    }
    const Fd& socket() const { return socket_; }
    pid_t pid() const { return pid_; }

private:
    pid_t pid_ = -1;
    Fd socket_;
};

void leave_terminal(const Fd& nothing) {
    prctl(PR_SET_PDEATHSIG, 0);
    setsid();
    for (int fd : {0, 1, 2}) dup2(nothing.get(), fd);
}

int run_detached(Engine& engine, const ContainerId& id, const ContainerView& view, const ExecOptions& options,
                 const Fd& nothing) {
    BackgroundHalf background([&](Fd& answer) {
        setsid();
        const ExecSession session(engine, view, join(options.command, " "));
        auto created = enter(engine, id, view, options, nothing);
        session.started(created.pid());
        leave_terminal(nothing);
        send_message(answer, "D");
        answer.reset();
        session.ended(created.take().wait().code());
    });
    background.receive();
    return 0;
}

int run_with_terminal(Engine& engine, const ContainerId& id, const ContainerView& view, const ExecOptions& options,
                      const Fd& nothing) {
    RelayOptions relay{options.interactive, monitor::parse_detach_keys(options.detach_keys)};
    BackgroundHalf background([&](Fd& answer) {
        prctl(PR_SET_PDEATHSIG, SIGHUP); // the command was killed: as if its terminal were closed
        const ExecSession session(engine, view, join(options.command, " "));
        auto created = enter(engine, id, view, options, nothing);
        session.started(created.pid());
        Fd terminal = std::move(created.terminal());
        Child child = created.take();
        if (auto code = relay_terminal(child, terminal, relay))
            return send_message(answer, fmt::format("X{}", session.ended(*code)));
        leave_terminal(nothing);
        send_message(answer, "D");
        answer.reset();
        session.ended(keep_reading(child, terminal));
    });
    EventLoop loop;
    loop.watch(background.socket().get(), EPOLLIN, [&](std::uint32_t) { loop.stop(); });
    loop.on_signals({SIGINT, SIGTERM, SIGHUP, SIGQUIT}, [&](const signalfd_siginfo& info) {
        // What the terminal sends reaches the background half as well: it is in our process group.
        if (info.ssi_code != SI_KERNEL) ::kill(background.pid(), static_cast<int>(info.ssi_signo));
    });
    loop.run();
    std::string answer = background.receive();
    if (answer == "D") return 0;
    return static_cast<int>(parse_unsigned(std::string_view(answer).substr(1), 255).value_or(1));
}

} // namespace

void run_sealed(const std::vector<std::string>& argv) { oci::run_sealed(argv); }

int exec(Engine& engine, const ContainerId& id, const ExecOptions& options) {
    ContainerView view = running_view(engine, id);
    Fd nothing = open_null();
    if (options.detach) return run_detached(engine, id, view, options, nothing);
    if (options.tty) return run_with_terminal(engine, id, view, options, nothing);
    const ExecSession session(engine, view, join(options.command, " "));
    Child child = enter(engine, id, view, options, nothing).take();
    session.started(child.pid());
    return session.ended(wait_for(std::move(child)));
}

} // namespace kist::engine
