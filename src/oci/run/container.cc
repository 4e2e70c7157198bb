// SPDX-License-Identifier: Apache-2.0
// The maker's side and the order of steps on the process's side. The process is a copy of this single-threaded program, so
// it may allocate and throw; what it throws travels back over the socket.
#include "oci/run/container.hh"

#include <algorithm>
#include <csignal>

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/in_root.hh"
#include "base/socket.hh"
#include "oci/run/identity.hh"
#include "oci/run/init_channel.hh"
#include "oci/run/launch.hh"
#include "oci/run/mount_plan.hh"
#include "oci/run/mount_steps.hh"
#include "oci/run/namespaces.hh"
#include "oci/run/root_mount.hh"
#include "oci/run/sysctl.hh"

namespace kist::oci {

namespace {

/// clone3(2) as a fork. In the child the result is empty.
std::optional<Child> clone_process(std::uint64_t flags, const Fd& cgroup) {
    int pidfd = -1;
    clone_args arguments{};
    arguments.flags = flags | CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    arguments.exit_signal = SIGCHLD;
    if (cgroup) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<std::uint64_t>(cgroup.get());
    }
    const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0) return std::nullopt;
    if (pid > 0) return Child(static_cast<pid_t>(pid), Fd(pidfd));
    SysError error("making the container's process");
    if (error.code == ENOSPC || error.code == EUSERS)
        error.with_hint("a limit on namespaces is reached: see /proc/sys/user/max_*_namespaces");
    if (error.code == EAGAIN) error.with_hint("a limit on processes is reached");
    throw error;
}

/// Runs the process's side; whatever goes wrong in it is told and ends it.
template <typename Body>
[[noreturn]] void be_child(const Fd& channel, Body body) noexcept {
    try {
        body();
    } catch (const Error& error) {
        send_failure(channel, error);
    } catch (const std::exception& error) {
        send_failure(channel, Error("{}", error.what()));
    }
    ::_exit(static_cast<int>(ExitCode::engine));
}

CreatedProcess wait_until_ready(Child child, Fd control, const std::function<void(pid_t)>& run_own_hooks = {}) {
    Ready ready = receive_ready(control);
    if (ready.wants_hooks) {
        run_own_hooks(child.pid());
        send_hooks_done(control, child.pid());
        ready = receive_ready(control);
    }
    if (!ready.ended) return CreatedProcess(std::move(child), std::move(control), std::move(ready.terminal));
    const ExitStatus status = child.wait();
    Error error("the container's process ended while it was set up (code {})", status.code());
    if (status.signal == SIGKILL) error.with_hint("it was killed; is the memory limit too small?");
    throw error;
}

std::string name_of_mount(const std::string& mount) { return mount.substr(mount.rfind('/') + 1); }

/// With a cgroup namespace (and on v1 always) the container sees its own folders, else the host's v2 tree.
CgroupView cgroup_view(const Cgroup& cgroup, bool own_namespace) {
    CgroupView view;
    const std::vector<std::string> v1 = cgroup.v1_mounts();
    if (v1.empty()) {
        view.unified = cgroup.unified_mount() + (own_namespace ? cgroup.path() : "");
        return view;
    }
    for (const std::string& mount : v1) view.hierarchies.emplace_back(name_of_mount(mount), mount + cgroup.path());
    if (!cgroup.unified_mount().empty())
        view.hierarchies.emplace_back(name_of_mount(cgroup.unified_mount()), cgroup.unified_mount() + cgroup.path());
    return view;
}

/// All that is decided before the process exists.
struct InitPlan {
    const Spec& spec;
    const RootMount& root;
    const Cgroup& cgroup;
    const LaunchOptions& options;
    NamespacePlan namespaces;
    RootPlan files;
    std::vector<SysctlWrite> sysctls;
    CgroupView cgroup_view;
    std::vector<JoinedNamespace> joined;
    EarlyMounts early;
};

void check_process(const Process& process) {
    if (process.args.empty()) throw Error("process.args: no command").with_exit_code(ExitCode::not_found);
    if (!process.cwd.starts_with('/')) throw Error("process.cwd: '{}' is not absolute", process.cwd);
    const auto has_nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
    if (std::any_of(process.args.begin(), process.args.end(), has_nul) || std::any_of(process.env.begin(), process.env.end(), has_nul))
        throw Error("process: an argument or environment value holds a NUL character");
}

InitPlan make_plan(const Spec& spec, const RootMount& root, const Cgroup& cgroup, const LaunchOptions& options) {
    if (!spec.process) throw Error("the runtime spec has no 'process'");
    check_process(*spec.process);
    if (!spec.linux_.mount_label.empty()) throw Error("linux.mountLabel is not supported yet");
    InitPlan plan{spec, root, cgroup, options, plan_namespaces(spec), plan_root(spec), {}, {}, {}, {}};
    plan.sysctls = plan_sysctls(spec.linux_.sysctl, plan.namespaces);
    plan.cgroup_view = cgroup_view(cgroup, plan.namespaces.is_own(CLONE_NEWCGROUP));
    plan.joined = open_namespaces(plan.namespaces);
    plan.early = make_early_mounts(plan.files);
    return plan;
}

void set_names(const Spec& spec) {
    if (!spec.hostname.empty() && ::sethostname(spec.hostname.data(), spec.hostname.size()) < 0)
        throw SysError("setting the host name '{}'", spec.hostname);
    if (!spec.domainname.empty() && ::setdomainname(spec.domainname.data(), spec.domainname.size()) < 0)
        throw SysError("setting the domain name '{}'", spec.domainname);
}

void enter_namespaces(const InitPlan& plan) {
    plan.cgroup.join_self(false);
    if (plan.namespaces.create_cgroup && ::unshare(CLONE_NEWCGROUP) < 0) throw SysError("making a cgroup namespace");
    for (const JoinedNamespace& joined : plan.joined) {
        if (joined.flag == CLONE_NEWPID) continue; // the process was born in it
        if (::setns(joined.fd.get(), joined.flag) < 0) throw SysError("joining namespace '{}'", joined.path);
    }
    if (plan.namespaces.is_new(CLONE_NEWNET)) bring_up_loopback();
    set_names(plan.spec);
    write_sysctls(plan.sysctls);
}

bool has_early_hooks(const Hooks& hooks) {
    return !hooks.prestart.empty() || !hooks.create_runtime.empty() || !hooks.create_container.empty() || !hooks.start_container.empty();
}

/// In the maker, which is in the runtime's own namespaces.
void run_runtime_hooks(const InitPlan& plan, pid_t pid) {
    const HookContext& context = plan.options.hooks;
    const std::string state = hook_state(context, "creating", pid);
    run_hooks("prestart", plan.spec.hooks.prestart, context, state, Failure::stops);
    run_hooks("createRuntime", plan.spec.hooks.create_runtime, context, state, Failure::stops);
}

/// For a hook of the process's side: what is told there would be told in a copy of the maker.
HookContext untold(HookContext context) {
    context.begins = {};
    context.ended = {};
    return context;
}

/// In the process: the maker's hooks, then those in the container's namespaces, which still find their programs in the host's
/// tree. The pid that the maker knows it by; 0 without hooks.
pid_t run_hooks_before_root(const InitPlan& plan, const Fd& channel) {
    if (!has_early_hooks(plan.spec.hooks)) return 0;
    const auto pid = wait_for_hooks(channel);
    if (!pid) ::_exit(static_cast<int>(ExitCode::engine));
    const HookContext context = untold(plan.options.hooks);
    if (!plan.spec.hooks.create_container.empty())
        run_hooks("createContainer", plan.spec.hooks.create_container, context, hook_state(context, "creating", *pid), Failure::stops);
    return *pid;
}

/// Everything below the root, made while the host's tree is still in reach; then the host's tree goes.
Terminal make_root(const InitPlan& plan, Process& process, const std::function<void()>& before_change) {
    const RootPlan& files = plan.files;
    const Fd root = mount_root(plan.root, files.host_propagation);
    const LateSteps late = make_mounts(root, files, plan.cgroup_view, plan.early);
    make_devices(root, files.devices);
    Terminal terminal;
    if (files.console) {
        terminal = open_terminal(root, process.console_size);
        make_console(root, terminal);
    }
    resolve_identity(process, root, plan.options);
    for (const LateOwner& owner : late.owners) give_away(owner, process.user.uid, process.user.gid);
    if (plan.options.create_cwd) make_dirs_in_root(root, process.cwd);
    mask_paths(root, files.masked);
    protect_paths(root, files.read_only);
    for (const Fd& mount : late.read_only) change_mount(mount, {.set = MOUNT_ATTR_RDONLY}, Depth::one);
    if (files.root_read_only) change_mount(root, {.set = MOUNT_ATTR_RDONLY}, Depth::one);
    before_change();
    const RootSwitch how = plan.options.no_pivot ? RootSwitch::move : RootSwitch::pivot;
    enter_root(root, how, files.host_propagation, files.root_propagation);
    return terminal;
}

/// The container's first process, up to exec.
void run_init(const InitPlan& plan, const Fd& channel) {
    Process process = *plan.spec.process;
    begin_process(plan.options);
    ::umask(0);
    if (process.oom_score_adj) set_oom_score(*process.oom_score_adj);
    enter_namespaces(plan);
    set_exec_label(process.apparmor_profile, process.selinux_label);
    pid_t pid = 0;
    Terminal terminal = make_root(plan, process, [&] { pid = run_hooks_before_root(plan, channel); });
    if (plan.spec.hooks.start_container.empty()) run_process(process, plan.options, channel, std::move(terminal));
    LaunchOptions options = plan.options;
    options.hooks = untold(options.hooks);
    options.hooks.allowed_folder.clear(); // these are programs of the container
    options.before_exec = [&] {
        run_hooks("startContainer", plan.spec.hooks.start_container, options.hooks, hook_state(options.hooks, "created", pid),
                  Failure::stops);
    };
    run_process(process, options, channel, std::move(terminal));
}

std::optional<Child> clone_init(const InitPlan& plan) {
    for (const JoinedNamespace& joined : plan.joined) {
        if (joined.flag != CLONE_NEWPID) continue;
        const PidNamespaceForChildren inside(joined.fd);
        return clone_process(plan.namespaces.create, plan.cgroup.unified());
    }
    return clone_process(plan.namespaces.create, plan.cgroup.unified());
}

std::optional<Child> clone_into(const Fd& init_pidfd, const Cgroup& cgroup) {
    const PidNamespaceForChildren inside(init_pidfd);
    return clone_process(0, cgroup.unified());
}

/// A process beside the container's first one, up to exec.
void run_entered(const Fd& init_pidfd, Process process, const Cgroup& cgroup, const LaunchOptions& options, const Fd& channel) {
    begin_process(options);
    if (process.oom_score_adj) set_oom_score(*process.oom_score_adj);
    cgroup.join_self(false);
    set_exec_label(process.apparmor_profile, process.selinux_label);
    constexpr int all = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
    if (::setns(init_pidfd.get(), all) < 0) throw SysError("entering the container's namespaces");
    // Entering a mount namespace makes its root ours.
    const Fd root{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!root) throw SysError("opening the container's root");
    Terminal terminal;
    if (process.terminal) terminal = open_terminal(root, process.console_size);
    resolve_identity(process, root, options);
    if (options.create_cwd) make_dirs_in_root(root, process.cwd);
    run_process(process, options, channel, std::move(terminal));
}

} // namespace

CreatedProcess::CreatedProcess(Child child, Fd control, Fd terminal)
    : child_(std::move(child)), control_(std::move(control)), terminal_(std::move(terminal)) {}

void start_waiting(const Fd& connection) {
    send_go(connection);
    receive_started(connection);
}

void CreatedProcess::start() {
    start_waiting(control_);
    control_.reset();
}

CreatedProcess create_container(const Spec& spec, const RootMount& root, const Cgroup& cgroup, const LaunchOptions& options) {
    const InitPlan plan = make_plan(spec, root, cgroup, options);
    SocketPair channel = make_socket_pair();
    std::optional<Child> child = clone_init(plan);
    if (!child) {
        channel.first.reset();
        be_child(channel.second, [&] { run_init(plan, channel.second); });
    }
    channel.second.reset();
    return wait_until_ready(std::move(*child), std::move(channel.first), [&](pid_t pid) { run_runtime_hooks(plan, pid); });
}

CreatedProcess enter_container(const Fd& init_pidfd, pid_t init_pid, const Process& process, const Cgroup& cgroup,
                               const LaunchOptions& options) {
    check_process(process);
    SocketPair channel = make_socket_pair();
    std::optional<Child> child;
    try {
        child = clone_into(init_pidfd, cgroup);
    } catch (Error& error) {
        error.while_doing("entering the container of process {}", init_pid);
        throw;
    }
    if (!child) {
        channel.first.reset();
        be_child(channel.second, [&] { run_entered(init_pidfd, process, cgroup, options, channel.second); });
    }
    channel.second.reset();
    return wait_until_ready(std::move(*child), std::move(channel.first));
}

} // namespace kist::oci
