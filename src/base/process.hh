// SPDX-License-Identifier: Apache-2.0
// Child processes by pidfd: never a bare pid that may have been reused.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/fd.hh"

namespace kist {

/// How a process ended: its exit code, or the signal that killed it. A shell's view is code() (128 + signal).
struct ExitStatus {
    int exit_code = 0;
    int signal = 0;
    bool core_dumped = false;
    int code() const { return signal != 0 ? 128 + signal : exit_code; }
    /// From the status word of wait(2) or PIDFD_GET_INFO.
    static ExitStatus from_wait_status(int status);
};

/// An own child. Destroying an unreaped one kills (SIGKILL) and reaps it.
class [[nodiscard]] Child {
public:
    Child() = default;
    Child(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
    Child(Child&& other) noexcept;
    Child& operator=(Child&& other) noexcept;
    ~Child();

    pid_t pid() const { return pid_; }
    const Fd& pidfd() const { return pidfd_; }
    /// pidfd_send_signal; false when it is gone already.
    bool signal(int number) const;
    /// Blocks until it ends, and reaps.
    ExitStatus wait();
    /// Nothing while it runs.
    std::optional<ExitStatus> try_wait();
    /// Gives the process up: it is not ours to reap any more (a monitor that outlives us).
    pid_t release();

private:
    pid_t pid_ = -1;
    Fd pidfd_;
};

/// What the program gets; every other descriptor is closed at exec (they are born CLOEXEC).
struct Spawn {
    std::vector<std::string> argv = {};
    std::vector<std::string> env = {};
    /// Descriptors of ours and the numbers they get in the program; 0, 1, 2 not named are inherited, and no other is.
    std::vector<std::pair<int, int>> fds = {};
    bool new_session = false;
    /// Reset to the default: ignored signals and the blocked mask (a shell may have handed us ignored ones).
    bool reset_signals = true;
    /// Working directory; empty for ours.
    std::string cwd = {};
    /// The program as an open file (execveat(2), AT_EMPTY_PATH); argv[0] is then only its name. -1: argv[0] is executed.
    int program = -1;
    /// The program's path where argv[0] is another name for it; empty: argv[0].
    std::string path = {};
};
/// Starts argv[0], an absolute path or "/proc/self/fd/N", or the open file `program`, as vfork does: the child borrows our memory until it execs, so
/// the cost does not grow with our size. What fails in the child is thrown as SysError here.
Child spawn(const Spawn&);

/// As execve(2) takes them: pointers into `words`, then null.
std::vector<char*> exec_words(const std::vector<std::string>& words);

/// Where the running program lies. One that was executed from a mount of its own (oci::run_sealed) has no path in
/// /proc/self/exe: it was given its path as argv[0].
std::string own_program();

/// In a child of process `parent` that only waits to be ended: nothing that it holds (our locks, our sockets) outlives a parent that
/// is killed. After changes of ids and namespaces, which may undo it.
void end_with_parent(pid_t parent);

/// /dev/null, for the streams of a program that is to have none. Throws SysError.
Fd open_null();

/// A fresh pidfd; nothing when the process does not exist (ESRCH).
std::optional<Fd> open_pidfd(pid_t pid);
/// Start time in clock ticks since boot (field 22 of /proc/PID/stat): pid + start time name a process without reuse.
std::optional<unsigned long long> process_start_time(pid_t pid);

} // namespace kist
