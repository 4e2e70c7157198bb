// SPDX-License-Identifier: Apache-2.0
// kist-monitor: started by kist, never by a user. protocol.hh says with what.
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/ids.hh"
#include "base/process.hh"
#include "base/socket.hh"
#include "monitor/buffered_log.hh"
#include "monitor/supervisor.hh"

namespace {

using namespace kist;
using namespace kist::monitor;

enum class Role { start, initialize, adopt, write_log };
struct Arguments {
    Role role = Role::start;
    std::string id;
};

std::optional<Arguments> parse_arguments(int argc, char** argv) {
    Arguments arguments;
    int next = 1;
    const std::string_view option = next < argc ? argv[next] : "";
    if (option == "--adopt") arguments.role = Role::adopt;
    if (option == "--init") arguments.role = Role::initialize;
    if (option == "--log") arguments.role = Role::write_log;
    if (arguments.role != Role::start) ++next;
    if (next + 1 != argc || !ContainerId::parse(argv[next])) return std::nullopt;
    arguments.id = argv[next];
    return arguments;
}

/// What a user's terminal or an impatient script sends is not for us. SIGTERM is handled in the loop.
void ignore_signals() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM, SIGTSTP, SIGTTIN, SIGTTOU})
        ::sigaction(signal, &ignore, nullptr);
}

Fd inherited(int number) {
    if (::fcntl(number, F_SETFD, FD_CLOEXEC) != 0) throw SysError("descriptor {}", number);
    return Fd{number};
}

/// systemd waits for no main process whose parent is another than itself: a stop of the service would kill the monitor at once,
/// and the container would run on. So the parent ends before systemd is told who its service's main process is.
void become_orphan() {
    const std::optional<Fd> parent = open_pidfd(::getpid());
    const pid_t child = ::fork();
    if (!parent || child < 0) throw SysError("leaving the process that was started");
    if (child > 0) ::_exit(0);
    pollfd ended{parent->get(), POLLIN, 0}; // by then its children have another parent
    while (::poll(&ended, 1, -1) < 0 && errno == EINTR) continue;
}

/// Nothing when the container does not live: the commander knows why. The job, and all else that is only needed for the
/// start, is freed when this returns.
std::unique_ptr<Supervisor> begin(const Arguments& arguments, const Fd& commander) {
    Dir run(inherited(run_folder), "the run folder of " + arguments.id);
    const Job job = parse_job(read_file(run, std::string(job_file), job_limit), job_file);
    if (job.id != arguments.id) throw Error("'{}' is for container '{}'", job_file, job.id);
    if (job.notify && arguments.role != Role::adopt) become_orphan();
    auto supervisor = std::make_unique<Supervisor>(std::move(run), job, commander.duplicate());
    if (job.log.driver == passthrough_driver)
        supervisor->use_stdio({inherited(passed_stdio), inherited(passed_stdio + 1), inherited(passed_stdio + 2)});
    const auto first = arguments.role == Role::initialize ? Supervisor::First::wait : Supervisor::First::run;
    const bool lives = arguments.role == Role::adopt ? supervisor->adopt(job) : supervisor->start(job, first);
    return lives ? std::move(supervisor) : nullptr;
}

int write_log(const Arguments& arguments) {
    ::prctl(PR_SET_NAME, "kist-log");
    // It ends when the monitor has, and all is written: not before it, at the host's end.
    ::signal(SIGTERM, SIG_IGN);
    Fd monitor;
    try {
        monitor = inherited(spawn_socket);
        write_buffered_log(Dir(inherited(run_folder), "the run folder of " + arguments.id), monitor);
        return static_cast<int>(ExitCode::success);
    } catch (const Error& error) {
        try {
            if (monitor) send_message(monitor, format_failure(error));
        } catch (const Error&) { // the monitor is gone
        }
        return static_cast<int>(ExitCode::engine);
    }
}

} // namespace

int main(int argc, char** argv) {
    const auto arguments = parse_arguments(argc, argv);
    if (!arguments) {
        std::fputs("kist-monitor is started by kist; see kist-run(1)\n", stderr);
        return static_cast<int>(ExitCode::engine);
    }
    ::setsid();                           // fails when the spawner has done so
    ::prctl(PR_SET_NAME, "kist-monitor"); // executed by descriptor it would be called by a number
    ignore_signals();
    if (arguments->role == Role::write_log) return write_log(*arguments);
    Fd commander;
    try {
        commander = inherited(spawn_socket);
        const auto supervisor = begin(*arguments, commander);
        commander.reset();
        if (!supervisor) return static_cast<int>(ExitCode::failure);
        ::malloc_trim(0);
        return supervisor->run();
    } catch (const Error& error) {
        if (!commander) return static_cast<int>(ExitCode::engine);
        try {
            send_message(commander, make_packet(Packet::failed, format_failure(error)));
        } catch (const Error&) { // the command is gone: nobody to tell
        }
        return static_cast<int>(ExitCode::engine);
    }
}
