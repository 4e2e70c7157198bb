// SPDX-License-Identifier: Apache-2.0
// Makes a container's first process from a runtime spec, and further processes in it (exec).
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/process.hh"
#include "oci/run/cgroup.hh"
#include "oci/run/hooks.hh"
#include "oci/run/seccomp.hh"
#include "oci/spec/root_mount.hh"
#include "oci/spec/runtime_spec.hh"

namespace kist::oci {

/// What the spec cannot say. The spec's user, capabilities and rlimits are final unless `user` is set.
struct LaunchOptions {
    /// "-u" text, looked up in the mounted root; nothing: spec.process.user as it is.
    std::optional<std::string> user;
    std::vector<std::string> group_add;
    /// Make process.cwd when it is missing (an image's WORKDIR).
    bool create_cwd = false;
    SeccompProgram seccomp;
    /// enter_container: the v2 folder that the process is born in, below the container's; none: the container's own.
    const Fd* unified_folder = nullptr;
    unsigned seccomp_flags = 0; ///< SECCOMP_FILTER_FLAG_*
    /// What becomes descriptors 0, 1, 2; ignored with process.terminal.
    std::array<int, 3> stdio{0, 1, 2};
    /// Descriptors passed on as 3, 4, …
    std::vector<int> extra_fds;
    /// Lower a default rlimit to what this host allows (no CAP_SYS_RESOURCE) instead of failing; names as "RLIMIT_NOFILE".
    std::vector<std::string> clamp_rlimits;
    /// A listening socket (listen_unix): once it is ready the process waits there for its start, which then comes from another
    /// program by start_waiting(); its maker may end. -1: CreatedProcess::start() it is.
    int start_socket = -1;
    /// So many of the first `extra_fds` are sockets of an activating service manager: the process gets LISTEN_FDS and LISTEN_PID.
    int listen_fds = 0;
    /// Leave the host's root by moving the new one over it: for a host whose root cannot be pivoted (initramfs).
    bool no_pivot = false;
    /// Share the caller's session keyring instead of making a new one.
    bool keep_keyring = false;
    /// For the hooks of spec.hooks: prestart, createRuntime and createContainer run when namespaces and mounts are made and the
    /// root is not changed yet, startContainer right before exec; what fails is the failure of the container. poststart and
    /// poststop are the caller's.
    HookContext hooks;
    std::function<void()> before_exec; ///< in the process, as its user
};

/// A process that waits inside its finished container for start().
class CreatedProcess {
public:
    CreatedProcess(Child child, Fd control, Fd terminal);
    const Child& child() const { return child_; }
    pid_t pid() const { return child_.pid(); }
    /// The pty master when process.terminal (made by the container's own devpts, TIOCGPTPEER); give it away with std::move.
    Fd& terminal() { return terminal_; }
    /// Lets it exec, and waits until it has. Throws Error with ExitCode::not_found (127) or not_executable (126) as Docker
    /// and a shell tell them apart: "exec: 'foo': executable file not found in $PATH".
    /// `on_listener` gets the number that a seccomp listener has in the process (LaunchOptions::seccomp_flags with NEW_LISTENER);
    /// the process waits meanwhile.
    void start(const std::function<void(int number)>& on_listener = {});
    /// Gives the child away once it runs; reap it.
    Child take() { return std::move(child_); }

private:
    Child child_;
    Fd control_;
    Fd terminal_;
};

/// A process on its way into a container, for a program that must not wait: the monitor. Destroyed, it is killed.
class EnteringProcess {
public:
    EnteringProcess(Child child, Fd control) : child_(std::move(child)), control_(std::move(control)) {}
    /// Readable when advance() has something to do.
    int fd() const { return control_.get(); }
    /// One step, without blocking when fd() is readable; true once the process has exec'd (or ended without a word: its exit
    /// status tells). Throws its Error.
    bool advance();
    const Child& child() const { return child_; }
    Child& child() { return child_; }
    Fd take_control() { return std::move(control_); }

private:
    Child child_;
    Fd control_;
    bool sent_go_ = false;
};

/// Namespaces, mounts, devices, everything up to exec, in this order of DESIGN 5: clone3 into `cgroup` (v2) and all new
/// namespaces, v1 join by itself, root filesystem, mounts, pivot_root, masks, then waits. Runs in a single-threaded process
/// (the monitor): the child may allocate. The container's mounts exist in its own mount namespace only.
/// Errors: step, object, errno, as "mounting '/proc': Operation not permitted"; nothing is left behind.
CreatedProcess create_container(const Spec& spec, const RootMount& root, const Cgroup& cgroup,
                                const LaunchOptions& options);

/// Lets a process start that waits at the other end of `connection` (LaunchOptions::start_socket); as CreatedProcess::start().
void start_waiting(const Fd& connection, const std::function<void(int number)>& on_listener = {});

/// Enters a running container: its namespaces by setns(pidfd) where they differ from ours, its cgroup, capabilities,
/// seccomp, rlimits, umask, groups. `process.args[0]` is searched in the container's PATH. No descriptor of ours leaks, the
/// process is not dumpable until exec (CVE-2016-9962, CVE-2024-21626).
EnteringProcess begin_entering(const Fd& init_pidfd, pid_t init_pid, const Process& process, const Cgroup& cgroup,
                               const LaunchOptions& options);
/// The same, and waits until the process is ready for start().
CreatedProcess enter_container(const Fd& init_pidfd, pid_t init_pid, const Process& process, const Cgroup& cgroup,
                               const LaunchOptions& options);

} // namespace kist::oci
