// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint.hh"

#include <algorithm>
#include <csignal>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/in_root.hh"
#include "base/json.hh"
#include "base/rollback.hh"
#include "base/socket.hh"
#include "base/text.hh"
#include "oci/run/clone.hh"
#include "oci/run/container.hh"
#include "oci/run/init_channel.hh"
#include "oci/run/mount_api.hh"
#include "oci/run/notify_socket.hh"
#include "runtime/bundle.hh"
#include "runtime/console.hh"
#include "runtime/criu/service.hh"
#include "runtime/notify.hh"

namespace kist::runtime {

namespace {

constexpr std::size_t mounts_limit = 64u << 20;
constexpr const char* root_name = "criu-root";

/// Whoever may write there has criu, as root, make the processes that he likes.
void check_owner(const Dir& folder) {
    struct stat facts {};
    if (::fstat(folder.fd().get(), &facts) < 0) throw SysError("looking at folder '{}'", folder.path());
    if (facts.st_uid == ::geteuid() && (facts.st_mode & (S_IWGRP | S_IWOTH)) == 0) return;
    Error error("folder '{}': others may write there, and criu trusts what it reads", folder.path());
    error.with_hint("give it to root with mode 0700, or name another folder");
    throw error;
}

enum class IfMissing { make, fail };
/// The folders of one call.
struct Folders {
    Dir images, work;
    Folders(const std::string& images_path, const std::string& work_path, IfMissing missing) {
        const std::string path = absolute_path(images_path);
        images = missing == IfMissing::make ? Dir::create(path, 0700) : Dir::open(path);
        check_owner(images);
        work = Dir::create(work_path.empty() ? path : absolute_path(work_path), 0700);
        check_owner(work);
    }
};

std::vector<MountLine> mounts_of(const std::string& process) {
    return parse_mountinfo(read_file("/proc/" + process + "/mountinfo", mounts_limit));
}

bool is_terminal(const struct stat& facts) {
    const unsigned number = major(facts.st_rdev);
    return S_ISCHR(facts.st_mode) && (number == 4 || number == 5 || (number >= 136 && number <= 143));
}

int mount_of(const std::string& fdinfo) {
    for (const std::string& line : split(fdinfo, '\n'))
        if (line.starts_with("mnt_id:"))
            return static_cast<int>(parse_unsigned(trim(std::string_view(line).substr(7)), INT32_MAX).value_or(0));
    return 0;
}

criu::Stream stream_of(pid_t pid, int number) {
    constexpr std::size_t limit = 4096;
    const std::string path = fmt::format("/proc/{}/fd/{}", pid, number);
    char text[limit];
    const ssize_t length = ::readlink(path.c_str(), text, sizeof text);
    struct stat facts {};
    if (length < 0 || ::stat(path.c_str(), &facts) < 0) return {}; // closed, or a file that is gone
    const std::string fdinfo = read_file(fmt::format("/proc/{}/fdinfo/{}", pid, number), limit);
    return {.link = {text, static_cast<std::size_t>(length)},
            .mount = mount_of(fdinfo),
            .inode = facts.st_ino,
            .is_terminal = is_terminal(facts)};
}

std::map<oci::NamespaceType, std::uint64_t> joined_namespaces(const oci::Spec& spec) {
    std::map<oci::NamespaceType, std::uint64_t> joined;
    for (const oci::Namespace& wanted : spec.linux_.namespaces) {
        if (wanted.path.empty()) continue;
        struct stat facts {};
        if (::stat(wanted.path.c_str(), &facts) < 0) throw SysError("looking at namespace '{}'", wanted.path);
        joined[wanted.type] = facts.st_ino;
    }
    return joined;
}

/// Where one freezer stops all of the container's processes; beside a v2 tree those of v1 are not joined.
std::string freezer_of(const oci::CgroupHost& host, const std::string& path) {
    if (host.kind == oci::CgroupHost::Kind::v2) return host.unified + path;
    const std::string freezer = host.v1_mount("freezer");
    return host.kind == oci::CgroupHost::Kind::hybrid || freezer.empty() ? std::string() : freezer + path;
}

criu::CheckpointFacts facts_of(const Container& container) {
    const Record& record = container.record();
    criu::CheckpointFacts facts;
    facts.pid = record.pid;
    facts.rootfs = record.rootfs;
    facts.mounts = mounts_of(std::to_string(record.pid));
    for (int number = 0; number < 3; ++number) facts.streams.push_back(stream_of(record.pid, number));
    facts.joined = joined_namespaces(record.spec);
    facts.freezer = freezer_of(oci::CgroupHost::detect(), record.cgroup);
    return facts;
}

/// A path from the images folder: criu makes a link of it there, which goes with the folders when they are moved together.
void check_parent(const Dir& images, const std::string& parent) {
    if (parent.empty()) return;
    if (parent.starts_with('/'))
        throw UsageError("--parent-path '{}': expected a path from the images folder", printable(parent));
    check_owner(Dir::open(images.path() + "/" + parent));
}

Child start_criu(const std::string& program, const Fd& socket) {
    Spawn what;
    what.argv = criu::command(program, criu::socket_number);
    what.env = criu::environment();
    what.fds = {{socket.get(), criu::socket_number}};
    return spawn(what);
}

void dump(const std::string& program, criu::Request request, const criu::Options& options, const Dir& work) {
    SocketPair channel = make_socket_pair();
    Child child = start_criu(program, channel.second);
    channel.second.reset();
    (void)criu::ask(
        channel.first, criu::encode(request, options), [](const auto&, auto&) {}, work, options.log_file);
    channel.first.reset();
    // After a pre-dump it waits for the dump, which comes from another call: its status says nothing then.
    (void)child.wait();
}

void check_can_be_dumped(const Container& container) {
    const Status status = container.status();
    if (status == Status::running || status == Status::paused) return;
    throw Error("it is {}", name_of(status));
}

} // namespace

void checkpoint(const Container& container, const CheckpointOptions& options) {
    try {
        const FileLock lock = container.lock();
        check_can_be_dumped(container);
        const std::string program = criu::find_program();
        const Folders folders(options.images, options.work, IfMissing::make);
        check_parent(folders.images, options.wishes.parent_images);
        criu::CheckpointPlan plan = criu::plan_checkpoint(container.record().spec, options.wishes, facts_of(container));
        plan.options.images_folder = folders.images.fd().get();
        plan.options.work_folder = folders.work.fd().get();
        write_atomically(folders.images, criu::descriptors_name, json::dump(to_value(plan.descriptors)),
                         Durability::durable);
        const bool ends = !options.wishes.leave_running && !options.wishes.pre_dump;
        dump(program, options.wishes.pre_dump ? criu::Request::pre_dump : criu::Request::dump, plan.options,
             folders.work);
        if (ends) wait_for_end(container);
    } catch (Error& error) {
        error.while_doing("checkpointing container '{}'", container.id());
        throw;
    }
}

namespace {

std::vector<std::string> read_descriptors(const Dir& images) {
    constexpr std::size_t limit = 1u << 20;
    const auto text = read_file_if_exists(images, criu::descriptors_name, limit);
    if (!text) throw Error("'{}' has no '{}': it holds no checkpoint", images.path(), criu::descriptors_name);
    const std::string where = images.path_of(criu::descriptors_name);
    return from_value<std::vector<std::string>>(json::parse(*text, where), where);
}

void make_point(const criu::MountPoint& point) {
    const Fd folder = oci::open_host_folder(point.folder);
    struct stat facts {};
    const bool file = !point.source.empty() && ::stat(point.source.c_str(), &facts) == 0 && !S_ISDIR(facts.st_mode);
    if (open_in_root_if_exists(folder, point.path, O_PATH)) return;
    if (file) (void)make_file_in_root(folder, point.path);
    else (void)make_dirs_in_root(folder, point.path);
}

/// criu wants its root to be a mount. It is one in criu's own namespace, so that nothing is left of it whatever happens.
void mount_for_criu(const std::string& rootfs, const std::string& root) {
    if (::unshare(CLONE_NEWNS) < 0) throw SysError("making a mount namespace");
    if (::mount(nullptr, "/", nullptr, MS_SLAVE | MS_REC, nullptr) < 0)
        throw SysError("separating the mounts from the host's");
    const Fd mount = oci::clone_host_mount(rootfs, oci::Depth::tree);
    oci::attach_mount(mount, oci::open_host_folder(root));
}

/// They become the numbers from `first` on, and nothing else is passed on but the standard streams.
void pass_on(const std::vector<int>& fds, int first) {
    const int end = first + static_cast<int>(fds.size());
    std::vector<int> away;
    for (const int fd : fds) away.push_back(::fcntl(fd, F_DUPFD_CLOEXEC, end));
    for (std::size_t i = 0; i < fds.size(); ++i)
        if (away[i] < 0 || ::dup2(away[i], first + static_cast<int>(i)) < 0) throw SysError("passing descriptors");
    ::syscall(SYS_close_range, static_cast<unsigned>(end), ~0u, CLOSE_RANGE_CLOEXEC);
}

[[noreturn]] void become(const std::vector<std::string>& argv, const std::vector<std::string>& env) {
    ::execve(argv.front().c_str(), exec_words(argv).data(), exec_words(env).data());
    throw SysError("starting '{}'", argv.front());
}

/// What criu's process needs on its way.
struct Launch {
    const std::string& program;
    const criu::RestorePlan& plan;
    const std::string& rootfs;
    const oci::Cgroup& cgroup;
    const RestoreOptions& options;
};

std::vector<Fd> open_files(const std::vector<std::string>& paths) {
    std::vector<Fd> files;
    for (const std::string& path : paths) {
        files.emplace_back(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!files.back()) throw SysError("opening namespace '{}'", path);
    }
    return files;
}

void make_points(const std::vector<criu::MountPoint>& points) {
    for (const criu::MountPoint& point : points) {
        try {
            make_point(point);
        } catch (Error& error) {
            error.while_doing("making the place of mount '{}'", point.path);
            throw;
        }
    }
}

/// In the child, whose control group the restored processes inherit. criu takes descriptors by number from whoever made its
/// socket, and mounts in its log's folder: so socket and folders are this mount namespace's.
void run_criu(const Launch& launch, const Fd& channel, pid_t parent) {
    end_with_parent(parent);
    launch.cgroup.join_self(false);
    mount_for_criu(launch.rootfs, launch.plan.options.root);
    make_points(launch.plan.points);
    const std::vector<Fd> files = open_files(launch.plan.files);
    const Folders folders(launch.options.images, launch.options.work, IfMissing::fail);
    const SocketPair sockets = make_socket_pair();
    std::vector<int> fds = {sockets.second.get()};
    for (const Fd& file : files) fds.push_back(file.get());
    fds.push_back(folders.images.fd().get());
    fds.push_back(folders.work.fd().get());
    oci::send_descriptor(channel, sockets.first);
    pass_on(fds, criu::socket_number);
    become(criu::command(launch.program, criu::socket_number), criu::environment());
}

struct RunningCriu {
    Child child;
    Fd socket;
};
RunningCriu start_criu(const Launch& launch) {
    constexpr int out_of_the_way = 100; // of the numbers that criu's descriptors get
    SocketPair told = make_socket_pair();
    const pid_t parent = ::getpid();
    std::optional<Child> child = oci::clone_process(0, launch.cgroup.unified());
    if (!child) {
        const Fd channel{::fcntl(told.second.get(), F_DUPFD_CLOEXEC, out_of_the_way)};
        told.second.reset(); // else its end would not be seen when criu has taken its number
        oci::tell_failure(channel, [&] { run_criu(launch, channel, parent); });
        ::_exit(1);
    }
    told.second.reset();
    Fd socket = oci::receive_descriptor(told.first);
    oci::receive_started(told.first, {});
    return {std::move(*child), std::move(socket)};
}

void set_flags(const criu::MountFlags& wanted, const Fd& root) {
    const auto place = open_in_root_if_exists(root, wanted.path, O_PATH);
    if (!place) return;
    try {
        oci::change_mount(*place, {.set = wanted.flags}, wanted.tree ? oci::Depth::tree : oci::Depth::one);
    } catch (const SysError& error) {
        if (error.code != EINVAL) throw; // EINVAL: no mount is there
    }
}

/// In a child, which enters the restored container while that stands still.
void protect_mounts(const std::vector<criu::MountFlags>& flags, pid_t pid) {
    const auto process = open_pidfd(pid);
    if (!process) throw Error("the restored process {} has ended already", pid);
    SocketPair told = make_socket_pair();
    std::optional<Child> child = oci::clone_process(0, Fd());
    if (!child) {
        oci::tell_failure(told.second, [&] {
            if (::setns(process->get(), CLONE_NEWNS) < 0) throw SysError("entering the container's mount namespace");
            const Fd root = oci::open_host_folder("/");
            for (const criu::MountFlags& wanted : flags) {
                try {
                    set_flags(wanted, root);
                } catch (Error& error) {
                    error.while_doing("protecting mount '{}'", wanted.path);
                    throw;
                }
            }
        });
        ::_exit(0);
    }
    told.second.reset();
    oci::receive_started(told.first, {});
    if (child->wait().code() != 0) throw Error("protecting the mounts of the container: the process for it was killed");
}

/// What criu tells while it restores.
class Listener {
public:
    Listener(const Container& container, const ConsoleSocket& console, const criu::RestorePlan& plan)
        : container_(container), console_(console), plan_(plan) {}
    void operator()(const criu::Response& told, std::vector<Fd>& fds) {
        if (told.notification == "setup-namespaces") run_early_hooks(told.notified_pid);
        if (told.notification == "post-restore") protect_mounts(plan_.flags, told.notified_pid);
        if (told.notification == "orphan-pts-master" && !fds.empty() && !seen_) take_terminal(std::move(fds.front()));
    }
    Fd& terminal() { return terminal_; }

private:
    void run_early_hooks(pid_t pid) const {
        oci::HookContext context = hook_context(container_.record());
        context.ended = nullptr;
        const std::string state = oci::hook_state(context, "creating", pid);
        const oci::Hooks& hooks = container_.record().spec.hooks;
        oci::run_hooks("prestart", hooks.prestart, context, state, oci::Failure::stops);
        oci::run_hooks("createRuntime", hooks.create_runtime, context, state, oci::Failure::stops);
    }
    /// The first is that of the container's own terminal; others were those of further processes.
    void take_terminal(Fd master) {
        seen_ = true;
        if (console_) return console_.send(master);
        if (::fcntl(master.get(), F_SETFL, O_RDWR | O_NONBLOCK) < 0) throw SysError("preparing the terminal");
        terminal_ = std::move(master);
    }
    const Container& container_;
    const ConsoleSocket& console_;
    const criu::RestorePlan& plan_;
    bool seen_ = false;
    Fd terminal_;
};

/// A container that was dumped under a service manager has that folder mounted, whoever restores it.
void add_notify_mount(const Dir& dir, criu::RestorePlan& plan) {
    oci::Spec shown;
    shown.process.emplace();
    add_notify_folder(dir, shown);
    for (const oci::Mount& mount : shown.mounts) plan.options.mounts.push_back({mount.destination, mount.source});
}

/// Where v1 has hierarchies a container is in some of them; in the others its place is its caller's, and stays that.
std::vector<std::string> joined_controllers(const oci::CgroupHost& host, const oci::Cgroup& cgroup) {
    std::vector<std::string> controllers;
    const std::vector<std::string> mounts = cgroup.v1_mounts();
    for (const auto& [controller, mount] : host.v1)
        if (std::find(mounts.begin(), mounts.end(), mount) != mounts.end()) controllers.push_back(controller);
    if (!controllers.empty() && !cgroup.unified_mount().empty()) controllers.emplace_back();
    return controllers;
}

criu::RestorePlan plan_for(const Container& container, const RestoreOptions& options, const oci::Cgroup& cgroup,
                           const Folders& folders) {
    const Record& record = container.record();
    bool own_cgroups = false;
    for (const oci::Namespace& wanted : record.spec.linux_.namespaces)
        own_cgroups = own_cgroups || wanted.type == oci::NamespaceType::cgroup;
    criu::RestoreFacts facts;
    facts.root = container.dir().create_dir(root_name, 0700).path();
    facts.rootfs = record.rootfs;
    facts.mounts = mounts_of("self");
    facts.cgroup_view = oci::cgroup_view(cgroup, own_cgroups);
    facts.cgroup = record.cgroup;
    facts.controllers = joined_controllers(oci::CgroupHost::detect(), cgroup);
    facts.descriptors = read_descriptors(folders.images);
    criu::RestorePlan plan = criu::plan_restore(record.spec, options.wishes, facts);
    add_notify_mount(container.dir(), plan);
    return plan;
}

Child run_restore(const Launch& launch, Listener& listener, const Dir& work) {
    RunningCriu criu = start_criu(launch);
    const criu::Options& options = launch.plan.options;
    const criu::Response done = criu::ask(
        criu.socket, criu::encode(criu::Request::restore, options),
        [&](const criu::Response& told, std::vector<Fd>& fds) { listener(told, fds); }, work, options.log_file);
    criu.socket.reset();
    auto pidfd = open_pidfd(done.pid);
    if (!pidfd) throw Error("the restored process {} has ended already", done.pid);
    Child first(done.pid, std::move(*pidfd));
    (void)criu.child.wait();
    return first;
}

Restored restore_unnamed(const Store& store, const RestoreOptions& options) {
    const auto host = oci::CgroupHost::detect();
    const Bundle bundle = checked_bundle(options.bundle, host, options.console_socket, options.detach);
    const std::string program = criu::find_program();
    const Folders folders(options.images, options.work, IfMissing::fail);
    const ConsoleSocket console =
        options.console_socket.empty() ? ConsoleSocket() : ConsoleSocket(options.console_socket);

    Rollback undo;
    Dir dir = store.make(options.id);
    undo.add([&] { store.remove(options.id); });
    Container container(std::move(dir), first_record(options.id, bundle, options.cgroup_manager));
    container.save(); // names the control group before it exists
    std::optional<oci::ScopeHolder> holder;
    const oci::Cgroup cgroup = make_cgroup(host, container.record(), holder);
    undo.add([host, path = container.record().cgroup, scope = container.record().scope] {
        remove_cgroup(host, path, scope);
    });
    const criu::RestorePlan plan = plan_for(container, options, cgroup, folders);
    Listener listener(container, console, plan);
    Child child = run_restore({program, plan, bundle.root.path, cgroup, options}, listener, folders.work);
    if (holder) holder->let_go(cgroup);
    (void)container.dir().remove_tree(root_name);
    container.set_process(child.pid());
    container.save();
    if (!options.pid_file.empty()) write_pid_file(options.pid_file, child.pid());
    undo.commit();
    run_poststart(container);
    return {std::move(container), std::move(child), std::move(listener.terminal())};
}

} // namespace

Restored restore(const Store& store, const RestoreOptions& options) {
    try {
        return restore_unnamed(store, options);
    } catch (Error& error) {
        error.while_doing("restoring container '{}'", options.id);
        throw;
    }
}

} // namespace kist::runtime
