// SPDX-License-Identifier: Apache-2.0
// Open-file-description locks with a time limit. The kernel has no timed form, so a waiter sleeps in the blocking call and
// a timer's signal interrupts it when the time is up: woken at once when the lock is free, no polling meanwhile.
#include "base/lock.hh"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/text.hh"

namespace kist {

namespace {

using Clock = std::chrono::steady_clock;

struct flock whole_file(LockMode mode) {
    struct flock lock {};
    lock.l_type = mode == LockMode::exclusive ? F_WRLCK : F_RDLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

Fd open_lock_file(const Dir& dir, const std::string& name) {
    auto fd = dir.open_file(name, O_RDWR | O_CREAT | O_NOCTTY, 0600);
    if (fd) return std::move(*fd);
    const std::string path = dir.path_of(name);
    throw SysError(SysError::Code{ENOENT}, "opening lock '{}'", path);
}

/// False when somebody else holds it.
bool try_lock(const Fd& fd, LockMode mode, const std::string& path) {
    struct flock lock = whole_file(mode);
    if (::fcntl(fd.get(), F_OFD_SETLK, &lock) == 0) return true;
    if (errno == EAGAIN || errno == EACCES) return false;
    throw SysError("locking '{}'", path);
}

/// False when the file was removed from its folder while we waited: what we hold then guards nothing.
bool is_still_named(const Fd& fd) {
    struct stat st;
    return ::fstat(fd.get(), &st) == 0 && st.st_nlink > 0;
}

/// Fixed width, so that one write replaces what an earlier holder left.
void name_holder(const Fd& fd, LockMode mode) {
    if (mode != LockMode::exclusive) return;
    const std::string line = fmt::format("{:<15}\n", ::getpid());
    // Only for messages: a full disk must not make locking fail.
    [[maybe_unused]] const ssize_t n = ::pwrite(fd.get(), line.data(), line.size(), 0);
}

/// "pid 4711 (kist rm web)", as far as it can be known.
std::string holder(const Fd& fd) {
    char line[16];
    const ssize_t n = ::pread(fd.get(), line, sizeof line, 0);
    const auto pid = parse_unsigned(trim({line, static_cast<std::size_t>(std::max<ssize_t>(n, 0))}));
    if (!pid) return "another process";
    std::string command;
    try {
        command = read_file(fmt::format("/proc/{}/cmdline", *pid), 1 << 20);
    } catch (const Error&) { // it has ended; a child of it holds the lock
        return fmt::format("pid {}", *pid);
    }
    std::ranges::replace(command, '\0', ' ');
    return fmt::format("pid {} ({})", *pid, printable(trim(command)));
}

/// Sends this thread SIGALRM when the time is up, and again every few milliseconds: the first one may come just before
/// the call that it is to interrupt. What the program does with SIGALRM is put back afterwards.
class Alarm {
public:
    explicit Alarm(Clock::duration limit) {
        struct sigaction interrupt {};
        interrupt.sa_handler = [](int) {};
        ::sigaction(SIGALRM, &interrupt, &action_before_);
        sigset_t alarm;
        ::sigemptyset(&alarm);
        ::sigaddset(&alarm, SIGALRM);
        ::pthread_sigmask(SIG_UNBLOCK, &alarm, &mask_before_);

        sigevent event{};
        event.sigev_notify = SIGEV_THREAD_ID;
        event.sigev_signo = SIGALRM;
        event._sigev_un._tid = ::gettid();
        const auto ns = std::max<std::int64_t>(1, std::chrono::nanoseconds(limit).count());
        itimerspec time{};
        time.it_value = {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
        time.it_interval.tv_nsec = 5'000'000;
        is_made_ =
            ::timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0 && ::timer_settime(timer_, 0, &time, nullptr) == 0;
    }
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;
    ~Alarm() {
        if (is_made_) ::timer_delete(timer_);
        ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
        ::sigaction(SIGALRM, &action_before_, nullptr);
    }
    bool is_made() const { return is_made_; }

private:
    struct sigaction action_before_ {};
    sigset_t mask_before_{};
    timer_t timer_{};
    bool is_made_ = false;
};

/// False when the time is up.
bool wait_for_lock(const Fd& fd, LockMode mode, const std::string& path, Clock::time_point deadline) {
    if (try_lock(fd, mode, path)) return true;
    const Alarm alarm(deadline - Clock::now());
    if (!alarm.is_made()) throw SysError("locking '{}': making a timer", path);
    struct flock lock = whole_file(mode);
    while (Clock::now() < deadline) {
        if (::fcntl(fd.get(), F_OFD_SETLKW, &lock) == 0) return true;
        if (errno != EINTR) throw SysError("locking '{}'", path);
    }
    return try_lock(fd, mode, path);
}

} // namespace

FileLock FileLock::acquire(const Dir& dir, const std::string& name, LockMode mode, std::chrono::milliseconds limit) {
    const std::string path = dir.path_of(name);
    const auto deadline = Clock::now() + limit;
    for (;;) {
        Fd fd = open_lock_file(dir, name);
        if (!wait_for_lock(fd, mode, path, deadline)) throw Error("'{}' is locked by {}", path, holder(fd));
        if (!is_still_named(fd)) continue;
        name_holder(fd, mode);
        return FileLock(std::move(fd));
    }
}

std::optional<FileLock> FileLock::try_acquire(const Dir& dir, const std::string& name, LockMode mode) {
    for (;;) {
        Fd fd = open_lock_file(dir, name);
        if (!try_lock(fd, mode, dir.path_of(name))) return std::nullopt;
        if (!is_still_named(fd)) continue;
        name_holder(fd, mode);
        return FileLock(std::move(fd));
    }
}

bool FileLock::is_held(const Dir& dir, const std::string& name) {
    const auto fd = dir.open_file(name, O_RDONLY | O_NOCTTY);
    if (!fd) return false;
    struct flock lock = whole_file(LockMode::shared); // only an exclusive holder is in its way
    if (::fcntl(fd->get(), F_OFD_GETLK, &lock) != 0) throw SysError("asking about lock '{}/{}'", dir.path(), name);
    return lock.l_type != F_UNLCK;
}

} // namespace kist
