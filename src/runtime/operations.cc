// SPDX-License-Identifier: Apache-2.0
#include "runtime/operations.hh"

#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/log.hh"
#include "base/rollback.hh"
#include "base/socket.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "oci/run/check_spec.hh"
#include "oci/run/notify_socket.hh"
#include "runtime/bundle.hh"
#include "runtime/console.hh"
#include "runtime/notify.hh"
#include "runtime/seccomp_listener.hh"

namespace kist::runtime {

namespace {

/// Sockets that a service manager activated us with (sd_listen_fds(3)); they come first among the descriptors passed on.
int activation_sockets() {
    const char* count = std::getenv("LISTEN_FDS");
    const char* pid = std::getenv("LISTEN_PID");
    if (count == nullptr || pid == nullptr || std::to_string(::getpid()) != pid) return 0;
    return static_cast<int>(parse_unsigned(count, 1000).value_or(0));
}

std::vector<int> descriptors_to_pass(int count) {
    std::vector<int> fds;
    for (int fd = 3; fd < 3 + count; ++fd) {
        if (::fcntl(fd, F_GETFD) < 0) throw SysError("--preserve-fds: descriptor {}", fd);
        fds.push_back(fd);
    }
    return fds;
}

void set_seccomp(const Store& store, const oci::Spec& spec, oci::LaunchOptions& launch) {
    if (!spec.linux_.seccomp) return;
    launch.seccomp = oci::cached_program(store.seccomp_cache(), *spec.linux_.seccomp);
    launch.seccomp_flags = oci::filter_flags(*spec.linux_.seccomp);
}

oci::LaunchOptions launch_options(const Store& store, const CreateOptions& options, const oci::Spec& spec) {
    oci::LaunchOptions launch;
    launch.listen_fds = activation_sockets();
    launch.extra_fds = descriptors_to_pass(options.preserve_fds + launch.listen_fds);
    launch.no_pivot = options.no_pivot;
    launch.keep_keyring = options.no_new_keyring;
    set_seccomp(store, spec, launch);
    return launch;
}

void send_signal(const Fd& pidfd, int number) {
    if (::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0) < 0 && errno != ESRCH)
        throw SysError("sending signal {}", number);
}

void destroy(const Store& store, const Container& container) {
    try {
        remove_cgroup(oci::CgroupHost::detect(), container.record().cgroup, container.record().scope);
    } catch (Error& error) {
        error.while_doing("removing container '{}'", container.id());
        throw;
    }
    store.remove(container.id());
    const oci::HookContext context = hook_context(container.record());
    const auto& hooks = container.record().spec.hooks.poststop;
    if (!hooks.empty())
        oci::run_hooks("poststop", hooks, context, oci::hook_state(context, "stopped", 0), oci::Failure::goes_on);
}

void check_console(bool terminal, const std::string& socket, bool needs_one) {
    if (terminal && needs_one && socket.empty())
        throw Error("process.terminal: a terminal needs --console-socket, or somebody in the foreground");
    if (!terminal && !socket.empty()) throw Error("--console-socket: process.terminal is not set");
}

} // namespace

Bundle checked_bundle(const std::string& path, const oci::CgroupHost& host, const std::string& console_socket,
                      bool needs_console) {
    Bundle bundle = read_bundle(path);
    if (!bundle.spec.process) throw Error("{}/config.json: process: expected a value, it is missing", bundle.path);
    oci::check_spec(bundle.spec, host, bundle.path + "/config.json");
    check_console(bundle.spec.process->terminal, console_socket, needs_console);
    return bundle;
}

void remove_cgroup(const oci::CgroupHost& host, const std::string& path, const std::string& scope) {
    const oci::Cgroup cgroup = oci::Cgroup::open(host, path);
    cgroup.kill_all(); // members that had no pid namespace to die with
    if (!scope.empty()) oci::stop_scope(scope);
    if (!cgroup.remove()) throw Error("control group '{}' is still busy", path);
}

oci::HookContext hook_context(const Record& record) {
    oci::HookContext context;
    context.oci_version = record.spec.oci_version;
    context.id = record.id;
    context.bundle = record.bundle;
    context.annotations = record.spec.annotations;
    context.ended = [](const oci::HookResult& result) {
        if (result.failed()) log::warn("{}", result.message());
    };
    return context;
}

oci::Cgroup make_cgroup(const oci::CgroupHost& host, const Record& record, std::optional<oci::ScopeHolder>& holder) {
    const oci::Resources& resources = record.spec.linux_.resources;
    constexpr auto existing = oci::Cgroup::Existing::take;
    if (record.scope.empty()) return oci::Cgroup::create(host, record.cgroup, resources, existing);
    const oci::ScopeOptions options{.name = oci::parse_scope(record.spec.linux_.cgroups_path, record.id),
                                    .description = "container " + record.id,
                                    .resources = resources,
                                    .properties = oci::annotated_properties(record.spec.annotations)};
    return oci::start_scope(host, options, existing, holder);
}

Record first_record(const std::string& id, const Bundle& bundle, CgroupManager manager) {
    Record record;
    record.id = id;
    record.bundle = bundle.path;
    record.rootfs = bundle.root.path;
    record.created = to_rfc3339(Moment::now());
    if (manager == CgroupManager::systemd) {
        const oci::ScopeName scope = oci::parse_scope(bundle.spec.linux_.cgroups_path, id);
        record.scope = scope.unit;
        record.cgroup = oci::scope_path(scope);
    } else {
        record.cgroup = cgroup_path(bundle.spec, id);
    }
    record.spec = bundle.spec;
    return record;
}

void wait_for_end(const Container& container) {
    constexpr int limit_ms = 10'000;
    pollfd wait{container.process()->get(), POLLIN, 0};
    if (::poll(&wait, 1, limit_ms) == 0)
        throw Error("container '{}': its process does not end, though it was killed", container.id());
}

void write_pid_file(const std::string& path, pid_t pid) {
    const std::string absolute = absolute_path(path);
    const std::size_t slash = absolute.rfind('/');
    const Dir folder = Dir::open(slash == 0 ? "/" : absolute.substr(0, slash));
    write_atomically(folder, absolute.substr(slash + 1), std::to_string(pid), Durability::volatile_);
}

Creation create(const Store& store, const CreateOptions& options, StartedBy started_by) {
    const auto host = oci::CgroupHost::detect();
    Bundle bundle = checked_bundle(options.bundle, host, options.console_socket, started_by == StartedBy::later);
    const ConsoleSocket console =
        options.console_socket.empty() ? ConsoleSocket() : ConsoleSocket(options.console_socket);
    oci::LaunchOptions launch = launch_options(store, options, bundle.spec);

    Rollback undo;
    Dir dir = store.make(options.id);
    undo.add([&] { store.remove(options.id); });
    if (oci::manager_socket()) add_notify_folder(dir, bundle.spec);
    Container container(std::move(dir), first_record(options.id, bundle, options.cgroup_manager));
    launch.hooks = hook_context(container.record());
    launch.hooks.ended = nullptr; // what fails is thrown
    container.save();             // names the control group before it exists
    std::optional<oci::ScopeHolder> holder;
    const oci::Cgroup cgroup = make_cgroup(host, container.record(), holder);
    // By value: the container, made after `undo`, is gone before it.
    undo.add([host, path = container.record().cgroup, scope = container.record().scope] {
        remove_cgroup(host, path, scope);
    });
    Fd start_socket;
    if (started_by == StartedBy::later) {
        start_socket = listen_unix(container.dir(), start_socket_name);
        launch.start_socket = start_socket.get();
    }
    oci::CreatedProcess process = oci::create_container(bundle.spec, bundle.root, cgroup, launch);
    if (holder) holder->let_go(cgroup);
    container.set_process(process.pid());
    container.save();
    if (console) console.send(process.terminal());
    if (!options.pid_file.empty()) write_pid_file(options.pid_file, process.pid());
    undo.commit();
    return {std::move(container), std::move(process)};
}

void start(const Container& container) {
    std::optional<FileLock> lock = container.lock();
    const Status status = container.status();
    if (status != Status::created)
        throw Error("cannot start container '{}': it is {}", container.id(), name_of(status));
    const auto connection = connect_unix(container.dir(), start_socket_name);
    if (!connection) throw Error("cannot start container '{}': its process does not wait for a start", container.id());
    // First this, then the start: killed in between, the container ends and never looks as if it could still be started.
    container.dir().remove_file(start_socket_name);
    const auto manager = oci::manager_socket();
    const auto relay = manager ? NotifyRelay::open(container.dir(), *manager) : std::nullopt;
    oci::start_waiting(*connection, listener_handler(container, *container.process(), container.record().pid));
    run_poststart(container);
    lock.reset(); // whoever wants to delete a container that never gets ready need not wait
    if (relay) relay->wait(*container.process(), container.record().pid);
}

void run_poststart(const Container& container) {
    const auto& hooks = container.record().spec.hooks.poststart;
    if (hooks.empty()) return;
    const oci::HookContext context = hook_context(container.record());
    oci::run_hooks("poststart", hooks, context, oci::hook_state(context, "running", container.record().pid),
                   oci::Failure::goes_on);
}

void kill(const Container& container, int number, Reach reach) {
    if (reach == Reach::first_process) {
        if (!container.process()) throw Error("container not running: '{}'", container.id());
        return send_signal(*container.process(), number);
    }
    const oci::Cgroup cgroup = container.cgroup();
    if (number == SIGKILL) return cgroup.kill_all();
    for (const pid_t pid : cgroup.pids())
        if (const auto pidfd = open_pidfd(pid)) send_signal(*pidfd, number);
}

void remove(const Store& store, Container container, Force force) {
    const FileLock lock = container.lock();
    const Status status = container.status();
    const bool alive = status == Status::running || status == Status::paused;
    if (force == Force::no && (alive || status == Status::creating))
        throw Error("cannot delete container '{}' that is not stopped: {}", container.id(), name_of(status));
    container.cgroup().kill_all();
    if (container.process()) {
        send_signal(*container.process(), SIGKILL); // when it left the control group
        wait_for_end(container);
    }
    destroy(store, container);
}

void remove_remains(const Store& store, const std::string& id) { store.remove(id); }

oci::CreatedProcess exec(const Store& store, const Container& container, const ExecOptions& options) {
    const Status status = container.status();
    if (status == Status::paused && !options.ignore_paused)
        throw Error("cannot exec in container '{}': it is paused", container.id()).with_hint("see --ignore-paused");
    if (!container.process() || status == Status::creating)
        throw Error("cannot exec in container '{}': it is {}", container.id(), name_of(status));
    check_console(options.process.terminal, options.console_socket, options.detach);
    const ConsoleSocket console =
        options.console_socket.empty() ? ConsoleSocket() : ConsoleSocket(options.console_socket);
    oci::LaunchOptions launch;
    launch.extra_fds = descriptors_to_pass(options.preserve_fds);
    set_seccomp(store, container.record().spec, launch);
    oci::CreatedProcess process =
        oci::enter_container(*container.process(), container.record().pid, options.process, container.cgroup(), launch);
    if (console) console.send(process.terminal());
    process.start(listener_handler(container, process.child().pidfd(), process.pid()));
    if (!options.pid_file.empty()) write_pid_file(options.pid_file, process.pid());
    return process;
}

} // namespace kist::runtime
