// SPDX-License-Identifier: Apache-2.0
#include "oci/run/launch.hh"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <fcntl.h>
#include <link.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/in_root.hh"
#include "base/process.hh"
#include "oci/run/identity.hh"
#include "oci/run/init_channel.hh"
#include "oci/run/program.hh"
#include "oci/run/user_lookup.hh"

namespace kist::oci {

namespace {

constexpr mode_t default_umask = 0022;
/// How an id looks that the user namespace does not map.
constexpr uid_t overflow_id = 65534;

/// Which descriptor of ours becomes which of the program's.
struct Move {
    int from;
    int to;
};

std::vector<Move> plan_moves(const LaunchOptions& options, const Fd& terminal) {
    std::vector<Move> moves;
    for (int to = 0; to < 3; ++to)
        moves.push_back({terminal ? terminal.get() : options.stdio[static_cast<std::size_t>(to)], to});
    for (const int from : options.extra_fds) moves.push_back({from, static_cast<int>(moves.size())});
    return moves;
}

/// Sources and targets may overlap in any way, so all sources move out of the way first.
void move_descriptors(const std::vector<Move>& moves) {
    const int first_free = static_cast<int>(moves.size());
    std::vector<Fd> aside;
    for (const Move& move : moves) {
        Fd copy{::fcntl(move.from, F_DUPFD_CLOEXEC, first_free)};
        if (!copy) throw SysError("passing on descriptor {}", move.from);
        aside.push_back(std::move(copy));
    }
    for (std::size_t i = 0; i < moves.size(); ++i)
        if (::dup2(aside[i].get(), moves[i].to) < 0) throw SysError("passing on descriptor {}", moves[i].from);
}

/// A copy above all numbers that the program's descriptors get. None of none.
Fd out_of_the_way(int fd, int first_free) {
    if (fd < 0) return {};
    Fd copy{::fcntl(fd, F_DUPFD_CLOEXEC, first_free)};
    if (!copy) throw SysError("keeping descriptor {} out of the way", fd);
    return copy;
}

/// The number that the next descriptor of this single-threaded process gets.
int next_descriptor() {
    const Fd probe{::fcntl(0, F_DUPFD_CLOEXEC, 0)};
    if (!probe) throw SysError("preparing the seccomp listener");
    return probe.get();
}

/// Unmaps the pages of the program's code and constants; the next step maps those that it needs from the kernel's cache. Only of
/// segments that nobody writes to: in others it would undo what was written.
void drop_program_pages() {
    const auto drop = [](dl_phdr_info* object, std::size_t, void*) {
        const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
        for (const auto& segment : std::span(object->dlpi_phdr, object->dlpi_phnum)) {
            if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
            const std::uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
            const std::uintptr_t end = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
            (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED); // only saves memory
        }
        return 0;
    };
    (void)::dl_iterate_phdr(drop, nullptr);
}

/// Sleeps until somebody connects who wants to start the process.
Fd accept_starter(const Fd& listener) {
    // It may sleep for long, and all that was planned is done.
    (void)::malloc_trim(0);
    drop_program_pages();
    // it was made non-blocking
    if (::fcntl(listener.get(), F_SETFL, 0) < 0) throw SysError("waiting for the start");
    for (;;) {
        Fd connection{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
        if (connection) return connection;
        if (errno != EINTR && errno != ECONNABORTED) throw SysError("waiting for the start");
    }
}

/// P5: nothing but what was asked for reaches the program, even a descriptor that a library forgot to mark.
void close_on_exec_from(unsigned first) {
    if (::close_range(first, ~0u, CLOSE_RANGE_CLOEXEC) == 0) return;
    if (errno != EINVAL && errno != ENOSYS) throw SysError("closing descriptors");
    // Before 5.11. Ours are all marked anyway; this catches an inherited one.
    constexpr int likely = 1024;
    for (int fd = static_cast<int>(first); fd < likely; ++fd) (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/// A program that runs as another user opens /dev/stdout anew: the FIFO or terminal behind it has to be that user's.
/// Anything else is the caller's own file and stays as it is.
void hand_over_stdio(std::uint32_t uid, bool terminal) {
    for (int fd = 0; fd < 3; ++fd) {
        struct stat facts {};
        if (::fstat(fd, &facts) < 0) throw SysError("reading the type of descriptor {}", fd);
        if ((!terminal && !S_ISFIFO(facts.st_mode)) || facts.st_uid == uid) continue;
        if (::fchown(fd, uid, static_cast<gid_t>(-1)) == 0) continue;
        // In a user namespace the host's pipe may have an owner that nobody in here is.
        if (facts.st_uid == overflow_id && (errno == EPERM || errno == EINVAL)) continue;
        throw SysError("giving descriptor {} to user {}", fd, uid);
    }
}

bool try_chdir(const std::string& path) {
    if (::chdir(path.c_str()) == 0) return true;
    if (errno == EACCES || errno == EPERM) return false;
    SysError error("chdir to cwd '{}'", path);
    error.with_exit_code(error.code == ENOENT || error.code == ENOTDIR ? ExitCode::not_found
                                                                       : ExitCode::not_executable);
    throw error;
}

/// A working directory like /proc/self/fd/7 could be one of ours, outside the container (CVE-2024-21626).
void check_working_directory(const std::string& path) {
    char text[4096];
    const long length = ::syscall(SYS_getcwd, text, sizeof text);
    if (length < 0) throw SysError("cwd '{}'", path);
    if (text[0] != '/') throw Error("cwd '{}' is outside the container", path).with_exit_code(ExitCode::not_executable);
}

/// As root where the image's folder lets only root in, as the user where only the user may (a root-squashed NFS).
void enter_working_directory(const Process& process) {
    const bool entered = try_chdir(process.cwd);
    const Capabilities none;
    become_user(process.user, process.capabilities ? *process.capabilities : none);
    if (!entered && !try_chdir(process.cwd)) {
        SysError error("chdir to cwd '{}'", process.cwd);
        error.with_exit_code(ExitCode::not_executable);
        throw error;
    }
    check_working_directory(process.cwd);
}

[[noreturn]] void execute(const Process& process, const std::string& program) {
    const std::vector<char*> arguments = exec_words(process.args);
    const std::vector<char*> environment = exec_words(process.env);
    ::execve(program.c_str(), arguments.data(), environment.data());
    const int code = errno;
    try {
        throw_exec_failure(process.args.front(), code);
    } catch (Error& error) {
        if (code == ENOENT) error.with_hint("the file exists, but the interpreter or loader that it names does not");
        throw;
    }
}

} // namespace

void begin_process(const LaunchOptions& options) {
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) throw SysError("protecting the process");
    if (::setsid() < 0) throw SysError("making a session");
    for (int number = 1; number < NSIG; ++number) (void)::signal(number, SIG_DFL); // SIGKILL and SIGSTOP refuse
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (options.keep_keyring) return;
    // A keyring of its own: root in the container shall not see the host's keys. A kernel without keyrings has none to hide.
    constexpr int join_session_keyring = 1;
    if (::syscall(SYS_keyctl, join_session_keyring, nullptr) < 0 && errno != ENOSYS && errno != EPERM &&
        errno != EDQUOT)
        throw SysError("making a session keyring");
}

void resolve_identity(Process& process, const Fd& root, const LaunchOptions& options) {
    if (options.listen_fds > 0) {
        process.env.push_back(fmt::format("LISTEN_FDS={}", options.listen_fds));
        process.env.push_back(fmt::format("LISTEN_PID={}", ::getpid())); // as the process sees itself
    }
    const bool has_home = find_env(process.env, "HOME") != nullptr;
    if (!options.user && options.group_add.empty() && has_home) return;
    const std::string wanted = options.user.value_or(fmt::format("{}:{}", process.user.uid, process.user.gid));
    const ResolvedUser user = resolve_user(root, wanted, options.group_add);
    if (!has_home) process.env.push_back("HOME=" + user.home);
    if (options.user) {
        process.user.uid = user.uid;
        process.user.gid = user.gid;
        process.user.additional_gids = user.groups;
        return;
    }
    if (options.group_add.empty()) return;
    auto& groups = process.user.additional_gids;
    for (const std::uint32_t gid : user.groups)
        if (std::find(groups.begin(), groups.end(), gid) == groups.end()) groups.push_back(gid);
}

void run_process(const Process& process, const LaunchOptions& options, const Fd& channel, Terminal terminal) {
    set_rlimits(process.rlimits, options.clamp_rlimits);
    const std::vector<Move> moves = plan_moves(options, terminal.slave);
    const int first_free = static_cast<int>(moves.size());
    Fd speaker = out_of_the_way(channel.get(), first_free);
    Fd master = out_of_the_way(terminal.master.get(), first_free);
    const Fd start_socket = out_of_the_way(options.start_socket, first_free);
    try {
        move_descriptors(moves);
        if (terminal.slave && ::ioctl(0, TIOCSCTTY, 0) < 0) throw SysError("taking the terminal");
        hand_over_stdio(process.user.uid, static_cast<bool>(terminal.slave));
        enter_working_directory(process);
        const std::string program = find_program(process.args.front(), process.env);
        ::umask(process.user.umask.value_or(default_umask));
        close_on_exec_from(static_cast<unsigned>(first_free));
        send_ready(speaker, master);
        master.reset();
        if (start_socket) speaker = accept_starter(start_socket);
        if (!wait_for_go(speaker)) ::_exit(static_cast<int>(ExitCode::engine));
        if (options.before_exec) options.before_exec();
        const bool listens = (options.seccomp_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0;
        if (listens) send_listener(speaker, next_descriptor());
        // What the filter does to this wait is up to the listener, who is there by then.
        const auto wait_for_listener = [&] { (void)wait_for_go(speaker); };
        confine(process, options.seccomp, options.seccomp_flags,
                listens ? std::function<void()>(wait_for_listener) : nullptr);
        execute(process, program);
    } catch (const Error& error) {
        // Only this copy is sure to be the socket still: the moves may have taken the old number.
        send_failure(speaker, error);
        ::_exit(static_cast<int>(error.exit_code()));
    }
}

} // namespace kist::oci
