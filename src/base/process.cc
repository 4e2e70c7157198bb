// SPDX-License-Identifier: Apache-2.0
// Starting and reaping programs. The child of spawn() runs on its own stack inside our memory while we are suspended, so
// it does nothing but system calls on data that was prepared before; its failure comes back in that shared memory.
#include "base/process.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <memory>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/text.hh"

namespace kist {

ExitStatus ExitStatus::from_wait_status(int status) {
    ExitStatus result;
    if (WIFSIGNALED(status)) {
        result.signal = WTERMSIG(status);
        result.core_dumped = WCOREDUMP(status);
    } else {
        result.exit_code = WEXITSTATUS(status);
    }
    return result;
}

Child::Child(Child&& other) noexcept : pid_(other.release()), pidfd_(std::move(other.pidfd_)) {}

Child& Child::operator=(Child&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(pidfd_, other.pidfd_);
    return *this;
}

Child::~Child() {
    if (pid_ <= 0) return;
    signal(SIGKILL);
    siginfo_t info;
    while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0 &&
           errno == EINTR) {
    }
}

bool Child::signal(int number) const {
    if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) == 0) return true;
    if (errno == ESRCH) return false;
    throw SysError("sending signal {} to process {}", number, pid_);
}

namespace {
/// Nothing while it runs (only with WNOHANG).
std::optional<ExitStatus> reap(const Fd& pidfd, pid_t pid, int flags) {
    siginfo_t info{};
    while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd.get()), &info, WEXITED | flags) != 0)
        if (errno != EINTR) throw SysError("waiting for process {}", pid);
    if (info.si_pid == 0) return std::nullopt;
    ExitStatus status;
    (info.si_code == CLD_EXITED ? status.exit_code : status.signal) = info.si_status;
    status.core_dumped = info.si_code == CLD_DUMPED;
    return status;
}
} // namespace

void end_with_parent(pid_t parent) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || ::getppid() != parent) ::_exit(1);
}

ExitStatus Child::wait() {
    const ExitStatus status = reap(pidfd_, pid_, 0).value();
    pid_ = -1;
    return status;
}

std::optional<ExitStatus> Child::try_wait() {
    const auto status = reap(pidfd_, pid_, WNOHANG);
    if (status) pid_ = -1;
    return status;
}

pid_t Child::release() { return std::exchange(pid_, -1); }

namespace {

enum class Step { none, session, folder, descriptor, exec };

/// All that the child touches. Nothing in it is changed by the parent while the child runs, and the other way round
/// only `step` and `code` are.
struct Launch {
    const Spawn* spawn;
    char* const* argv;
    char* const* env;
    int first_free; ///< above every number that a descriptor is to get
    std::vector<int> moved;
    int program; ///< out of the way of the numbers too; -1: argv[0]
    sigset_t mask;
    Step step = Step::none;
    int code = 0;
};

[[noreturn]] void give_up(Launch& launch, Step step) noexcept {
    launch.step = step;
    launch.code = errno;
    ::_exit(127);
}

void default_signals(bool ignored_too) noexcept {
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) {
        struct sigaction now {};
        if (!ignored_too && (::sigaction(number, nullptr, &now) != 0 || now.sa_handler == SIG_IGN)) continue;
        ::sigaction(number, &standard, nullptr); // those of the C library and SIGKILL refuse, rightly
    }
}

/// First out of each other's way, then to where they belong: the numbers wanted may be those of other sources.
bool place_descriptors(Launch& launch) noexcept {
    const auto& fds = launch.spawn->fds;
    for (std::size_t i = 0; i < fds.size(); ++i) {
        launch.moved[i] = ::fcntl(fds[i].first, F_DUPFD_CLOEXEC, launch.first_free);
        if (launch.moved[i] < 0) return false;
    }
    if (launch.program >= 0) launch.program = ::fcntl(launch.program, F_DUPFD_CLOEXEC, launch.first_free);
    if (launch.spawn->program >= 0 && launch.program < 0) return false;
    for (std::size_t i = 0; i < fds.size(); ++i)
        if (::dup2(launch.moved[i], fds[i].second) < 0) return false;
    return true;
}

/// What our caller left open is for nobody that we start: a monitor would hold a script's pipe for as long as its container runs.
void close_the_rest_on_exec(const Launch& launch) noexcept {
    constexpr int first = 3; // the streams are inherited
    const auto& fds = launch.spawn->fds;
    for (int fd = first; fd < launch.first_free; ++fd) {
        const auto is_it = [fd](const std::pair<int, int>& passed) { return passed.second == fd; };
        if (std::none_of(fds.begin(), fds.end(), is_it)) ::fcntl(fd, F_SETFD, FD_CLOEXEC); // EBADF: none is open
    }
    ::syscall(SYS_close_range, static_cast<unsigned>(launch.first_free), ~0u, CLOSE_RANGE_CLOEXEC);
}

#if defined(__SANITIZE_ADDRESS__)
__attribute__((no_sanitize("address")))
#endif
int run_child(void* argument) noexcept {
    Launch& launch = *static_cast<Launch*>(argument);
    const Spawn& spawn = *launch.spawn;
    // Before any signal can come in: a handler of ours must not run here, in memory that is the parent's.
    default_signals(spawn.reset_signals);
    if (spawn.new_session && ::setsid() < 0) give_up(launch, Step::session);
    if (!spawn.cwd.empty() && ::chdir(spawn.cwd.c_str()) != 0) give_up(launch, Step::folder);
    if (!place_descriptors(launch)) give_up(launch, Step::descriptor);
    close_the_rest_on_exec(launch);
    ::sigprocmask(SIG_SETMASK, &launch.mask, nullptr);
    if (launch.program >= 0)
        ::syscall(SYS_execveat, launch.program, "", launch.argv, launch.env, AT_EMPTY_PATH); // glibc's needs 2.34
    else ::execve(spawn.path.empty() ? launch.argv[0] : spawn.path.c_str(), launch.argv, launch.env);
    give_up(launch, Step::exec);
}

[[noreturn]] void report(const Launch& launch) {
    const SysError::Code code{launch.code};
    const std::string& program = launch.spawn->argv.front();
    if (launch.step == Step::folder)
        throw SysError(code, "starting '{}': changing to folder '{}'", program, launch.spawn->cwd);
    if (launch.step == Step::session) throw SysError(code, "starting '{}': making a session", program);
    if (launch.step == Step::descriptor) throw SysError(code, "starting '{}': passing descriptors", program);
    throw SysError(code, "starting '{}'", program);
}

} // namespace

std::vector<char*> exec_words(const std::vector<std::string>& words) {
    std::vector<char*> list;
    list.reserve(words.size() + 1);
    for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
    list.push_back(nullptr);
    return list;
}

Child spawn(const Spawn& what) {
    if (what.argv.empty()) throw Error("starting a program: no program given");
    const std::vector<char*> argv = exec_words(what.argv);
    const std::vector<char*> env = exec_words(what.env);
    Launch launch{&what, argv.data(), env.data(), 3, std::vector<int>(what.fds.size()), what.program, {}};
    for (const auto& [ours, theirs] : what.fds) launch.first_free = std::max(launch.first_free, theirs + 1);

    constexpr std::size_t stack_size = 64 << 10;
    const auto stack = std::make_unique_for_overwrite<std::byte[]>(stack_size);
    const auto top = reinterpret_cast<std::uintptr_t>(stack.get() + stack_size) & ~std::uintptr_t{63};

    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    if (what.reset_signals) ::sigemptyset(&launch.mask);
    else launch.mask = before;
    int pidfd = -1;
    const pid_t pid = ::clone(run_child, reinterpret_cast<void*>(top), CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD,
                              &launch, &pidfd);
    const int failure = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) throw SysError(SysError::Code{failure}, "starting '{}'", what.argv.front());
    Child child(pid, Fd{pidfd});
    if (launch.step != Step::none) {
        child.wait();
        report(launch);
    }
    return child;
}

std::string own_program() {
    std::array<char, PATH_MAX> buffer;
    const ssize_t length = ::readlink("/proc/self/exe", buffer.data(), buffer.size());
    if (length < 0) throw SysError("reading '/proc/self/exe'");
    std::string path(buffer.data(), static_cast<std::size_t>(length));
    const bool detached = path.rfind('/') == 0; // "/": the file is the root of its mount
    return detached ? std::string(program_invocation_name) : path;
}

Fd open_null() {
    Fd fd{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    if (!fd) throw SysError("opening '/dev/null'");
    return fd;
}

std::optional<Fd> open_pidfd(pid_t pid) {
    Fd fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    if (fd) return fd;
    if (errno == ESRCH) return std::nullopt;
    throw SysError("opening process {}", pid);
}

std::optional<unsigned long long> process_start_time(pid_t pid) {
    std::string text;
    try {
        const auto found = read_file_if_exists(fmt::format("/proc/{}/stat", pid), 4096);
        if (!found) return std::nullopt;
        text = *found;
    } catch (const SysError& error) {
        if (error.code == ESRCH) return std::nullopt; // died between open and read
        throw;
    }
    // The command name may hold blanks and brackets; fields are counted from the last closing one.
    const auto fields = split(std::string_view(text).substr(text.rfind(')') + 2), ' ');
    if (fields.size() < 20) throw Error("reading '/proc/{}/stat': unexpected form", pid);
    return parse_unsigned(fields[19]);
}

} // namespace kist
