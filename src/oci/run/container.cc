// SPDX-License-Identifier: Apache-2.0
// The maker's side and the order of steps on the process's side. The process is a copy of this single-threaded program, so
// it may allocate and throw; what it throws travels back over the socket.
#include "oci/run/container.hh"

#include <csignal>

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/in_root.hh"
#include "base/socket.hh"
#include "oci/run/check_spec.hh"
#include "oci/run/clone.hh"
#include "oci/run/host_files.hh"
#include "oci/run/identity.hh"
#include "oci/run/init_channel.hh"
#include "oci/run/launch.hh"
#include "oci/run/mount_plan.hh"
#include "oci/run/mount_steps.hh"
#include "oci/run/namespaces.hh"
#include "oci/run/root_mount.hh"
#include "oci/run/scheduling.hh"
#include "oci/run/sysctl.hh"
#include "oci/run/user_namespace.hh"

namespace kist::oci {

namespace {

/// Runs the process's side; whatever goes wrong in it is told and ends it.
template <typename Body>
[[noreturn]] void be_child(const Fd& channel, const Body& body) noexcept {
    tell_failure(channel, body);
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

    bool in_user_namespace() const { return namespaces.is_own(CLONE_NEWUSER); }
};

InitPlan make_plan(const Spec& spec, const RootMount& root, const Cgroup& cgroup, const LaunchOptions& options) {
    if (!spec.process) throw Error("the runtime spec has no 'process'");
    check_process(*spec.process);
    InitPlan plan{spec, root, cgroup, options, plan_namespaces(spec), plan_root(spec), {}, {}, {}};
    plan.sysctls = plan_sysctls(spec.linux_.sysctl, plan.namespaces);
    plan.cgroup_view = cgroup_view(cgroup, plan.namespaces.is_own(CLONE_NEWCGROUP));
    plan.joined = open_namespaces(plan.namespaces);
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
        if (plan.in_user_namespace() || joined.flag == CLONE_NEWPID) continue; // the process was born in it
        if (::setns(joined.fd.get(), joined.flag) < 0) throw SysError("joining namespace '{}'", joined.path);
    }
    if (plan.namespaces.is_new(CLONE_NEWNET)) bring_up_loopback();
    set_names(plan.spec);
    write_sysctls(plan.sysctls);
}

bool has_early_hooks(const Hooks& hooks) {
    return !hooks.prestart.empty() || !hooks.create_runtime.empty() || !hooks.create_container.empty() ||
           !hooks.start_container.empty();
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
        run_hooks("createContainer", plan.spec.hooks.create_container, context, hook_state(context, "creating", *pid),
                  Failure::stops);
    return *pid;
}

/// Everything below the root, made while the host's tree is still in reach; then the host's tree goes.
Terminal make_root(const InitPlan& plan, HostFiles& host, Process& process,
                   const std::function<void()>& before_change) {
    const RootPlan& files = plan.files;
    check_own_root();
    const Fd root = mount_root(plan.root, std::move(host.root), files.host_propagation);
    const LateSteps late = make_mounts(root, files, plan.cgroup_view, host);
    make_devices(root, files.devices, host.devices);
    Terminal terminal;
    if (files.console) {
        terminal = open_terminal(root, process.console_size);
        make_console(root, terminal);
    }
    resolve_identity(process, root, plan.options);
    for (const LateOwner& owner : late.owners) give_away(owner, process.user.uid, process.user.gid);
    if (plan.options.create_cwd) make_dirs_in_root(root, process.cwd);
    mask_paths(root, late.kernel, files.masked, std::move(host.null));
    protect_paths(root, late.kernel, files.read_only);
    for (const Fd& mount : late.read_only) change_mount(mount, {.set = MOUNT_ATTR_RDONLY}, Depth::one);
    if (files.root_read_only) change_mount(root, {.set = MOUNT_ATTR_RDONLY}, Depth::one);
    before_change();
    const RootSwitch how = plan.options.no_pivot ? RootSwitch::move : RootSwitch::pivot;
    enter_root(root, how, files.host_propagation, files.root_propagation);
    return terminal;
}

/// Once our maker has done what only the host's root may, we are root in here.
void enter_user_namespace(const Fd& channel) {
    if (!wait_for_go(channel)) ::_exit(static_cast<int>(ExitCode::engine));
    become_namespace_root();
}

/// In the maker, on a process that waits in enter_user_namespace(): maps, and what nobody may raise from inside.
void prepare_from_outside(const InitPlan& plan, const Child& child, const Fd& channel) {
    const Process& process = *plan.spec.process;
    if (plan.namespaces.is_new(CLONE_NEWUSER))
        write_id_maps(child.pid(), plan.spec.linux_.uid_mappings, plan.spec.linux_.gid_mappings);
    if (process.oom_score_adj) set_oom_score(*process.oom_score_adj, child.pid());
    set_rlimits(process.rlimits, plan.options.clamp_rlimits, child.pid());
    send_go(channel);
}

/// The container's first process, up to exec.
void run_init(const InitPlan& plan, HostFiles& host, const Fd& channel) {
    Process process = *plan.spec.process;
    begin_process(plan.options);
    if (plan.in_user_namespace()) enter_user_namespace(channel);
    else if (process.oom_score_adj) set_oom_score(*process.oom_score_adj);
    ::umask(0);
    enter_namespaces(plan);
    set_scheduling(process);
    if (plan.spec.linux_.personality) set_personality(*plan.spec.linux_.personality);
    set_exec_label(process.apparmor_profile, process.selinux_label);
    pid_t pid = 0;
    Terminal terminal = make_root(plan, host, process, [&] { pid = run_hooks_before_root(plan, channel); });
    if (plan.spec.hooks.start_container.empty()) run_process(process, plan.options, channel, std::move(terminal));
    LaunchOptions options = plan.options;
    options.hooks = untold(options.hooks);
    options.hooks.allowed_folder.clear(); // these are programs of the container
    options.before_exec = [&] {
        run_hooks("startContainer", plan.spec.hooks.start_container, options.hooks,
                  hook_state(options.hooks, "created", pid), Failure::stops);
    };
    run_process(process, options, channel, std::move(terminal));
}

std::optional<Child> clone_in_user_namespace(const InitPlan& plan) {
    const auto enter = [&] {
        if (plan.namespaces.create_time) make_time_namespace(plan.namespaces.time_offsets);
        join_namespaces(plan.joined);
    };
    return clone_through_stage({enter}, plan.namespaces.create, plan.cgroup.unified());
}

std::optional<Child> clone_init(const InitPlan& plan) {
    if (plan.in_user_namespace()) return clone_in_user_namespace(plan);
    std::optional<TimeNamespaceForChildren> time;
    std::optional<PidNamespaceForChildren> pid;
    if (plan.namespaces.create_time) time.emplace(plan.namespaces.time_offsets);
    for (const JoinedNamespace& joined : plan.joined)
        if (joined.flag == CLONE_NEWPID) pid.emplace(joined.fd);
    std::optional<Child> child = clone_process(plan.namespaces.create, plan.cgroup.unified());
    if (!child && time) time->keep();
    return child;
}

HostFiles open_files(const InitPlan& plan) {
    const Fd* joined = nullptr;
    for (const JoinedNamespace& other : plan.joined)
        if (other.flag == CLONE_NEWUSER) joined = &other.fd;
    return open_host_files({plan.root, plan.files, plan.cgroup_view, plan.in_user_namespace(),
                            plan.spec.linux_.uid_mappings, plan.spec.linux_.gid_mappings, joined});
}

/// A process that is to enter a container.
struct EnterPlan {
    const Fd& init_pidfd;
    pid_t init_pid;
    const Process& process;
    const Cgroup& cgroup;
    const LaunchOptions& options;
    bool other_user = false, other_time = false;
};

/// In a process that the container does not see yet: all that needs the host's tree, then its namespaces.
void enter_from_outside(const EnterPlan& plan) {
    const Process& process = plan.process;
    const CpuAffinity affinity = process.exec_cpu_affinity.value_or(CpuAffinity{});
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) throw SysError("protecting the process");
    set_cpu_affinity(affinity.initial);
    plan.cgroup.join_self(false);
    set_cpu_affinity(affinity.final);
    if (process.oom_score_adj) set_oom_score(*process.oom_score_adj);
    set_rlimits(process.rlimits, plan.options.clamp_rlimits); // in a user namespace none could be raised any more
    set_exec_label(process.apparmor_profile, process.selinux_label);
    const int all = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWPID |
                    (plan.other_user ? CLONE_NEWUSER : 0) | (plan.other_time ? CLONE_NEWTIME : 0);
    if (::setns(plan.init_pidfd.get(), all) < 0) throw SysError("entering the container's namespaces");
    if (plan.other_user) become_namespace_root();
    for (const int fd : plan.cgroup.v1_tasks()) ::close(fd);
    ::close(plan.init_pidfd.get());
}

/// A container with CAP_SYS_PTRACE looks through every process that it sees, at its folders and descriptors. So the process gets
/// into the container's pid namespace last, by being born there with nothing of the host in its hands (CVE-2016-9962).
std::optional<Child> clone_into(const EnterPlan& plan, const Fd& channel) {
    Stage stage{.enter = [&] { enter_from_outside(plan); }, .keep = {channel.get(), plan.init_pidfd.get()}};
    stage.keep.insert(stage.keep.end(), plan.options.extra_fds.begin(), plan.options.extra_fds.end());
    if (!plan.process.terminal)
        stage.keep.insert(stage.keep.end(), plan.options.stdio.begin(), plan.options.stdio.end());
    for (const int fd : plan.cgroup.v1_tasks()) stage.keep.push_back(fd);
    const Fd* own = plan.options.unified_folder;
    if (own != nullptr && *own) return clone_through_stage(stage, 0, *own);
    const Fd below = plan.cgroup.open_group_of(plan.init_pid);
    return clone_through_stage(stage, 0, below ? below : plan.cgroup.unified());
}

/// A process beside the container's first one, up to exec. It holds what it keeps open by number: its copies of the maker's
/// owners must never run.
void run_entered(const EnterPlan& plan, const Fd& channel) {
    Process process = plan.process;
    begin_process(plan.options);
    set_scheduling(process);
    // Entering a mount namespace made its root ours.
    const Fd root{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!root) throw SysError("opening the container's root");
    Terminal terminal;
    if (process.terminal) terminal = open_terminal(root, process.console_size);
    resolve_identity(process, root, plan.options);
    if (plan.options.create_cwd) make_dirs_in_root(root, process.cwd);
    run_process(process, plan.options, channel, std::move(terminal));
}

} // namespace

CreatedProcess::CreatedProcess(Child child, Fd control, Fd terminal)
    : child_(std::move(child)), control_(std::move(control)), terminal_(std::move(terminal)) {}

void start_waiting(const Fd& connection, const std::function<void(int number)>& on_listener) {
    send_go(connection);
    receive_started(connection, on_listener);
}

void CreatedProcess::start(const std::function<void(int number)>& on_listener) {
    start_waiting(control_, on_listener);
    control_.reset();
}

CreatedProcess create_container(const Spec& spec, const RootMount& root, const Cgroup& cgroup,
                                const LaunchOptions& options) {
    const InitPlan plan = make_plan(spec, root, cgroup, options);
    HostFiles host = open_files(plan);
    SocketPair channel = make_socket_pair();
    std::optional<Child> child = clone_init(plan);
    if (!child) {
        channel.first.reset();
        be_child(channel.second, [&] { run_init(plan, host, channel.second); });
    }
    channel.second.reset();
    if (plan.in_user_namespace()) prepare_from_outside(plan, *child, channel.first);
    return wait_until_ready(std::move(*child), std::move(channel.first),
                            [&](pid_t pid) { run_runtime_hooks(plan, pid); });
}

bool EnteringProcess::advance() {
    if (sent_go_) {
        receive_started(control_, {});
        return true;
    }
    if (receive_ready(control_).ended) return true;
    send_go(control_);
    sent_go_ = true;
    return false;
}

EnteringProcess begin_entering(const Fd& init_pidfd, pid_t init_pid, const Process& process, const Cgroup& cgroup,
                               const LaunchOptions& options) {
    check_process(process);
    const EnterPlan plan{init_pidfd,
                         init_pid,
                         process,
                         cgroup,
                         options,
                         is_in_other_namespace(init_pid, "user"),
                         is_in_other_namespace(init_pid, "time")};
    SocketPair channel = make_socket_pair();
    std::optional<Child> child;
    try {
        child = clone_into(plan, channel.second);
    } catch (Error& error) {
        error.while_doing("entering the container of process {}", init_pid);
        throw;
    }
    if (!child) be_child(channel.second, [&] { run_entered(plan, channel.second); });
    channel.second.reset();
    return {std::move(*child), std::move(channel.first)};
}

CreatedProcess enter_container(const Fd& init_pidfd, pid_t init_pid, const Process& process, const Cgroup& cgroup,
                               const LaunchOptions& options) {
    EnteringProcess entering = begin_entering(init_pidfd, init_pid, process, cgroup, options);
    return wait_until_ready(std::move(entering.child()), entering.take_control());
}

} // namespace kist::oci
