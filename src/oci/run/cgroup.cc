// SPDX-License-Identifier: Apache-2.0
// A container's cgroup folders: making, joining, freezing, killing, removing. What the files
// contain is decided in cgroup_plan.cc, how a folder is handled in cgroup_files.cc.
#include "oci/run/cgroup.hh"

#include <algorithm>
#include <array>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/rollback.hh"
#include "base/text.hh"
#include "oci/run/cgroup_controllers.hh"
#include "oci/run/cgroup_devices.hh"
#include "oci/run/cgroup_files.hh"

namespace kist::oci {

namespace {

using cgroup_files::IfExists;
using std::chrono::steady_clock;

constexpr const char* monitors_path = "/kist/monitors";
constexpr auto freeze_limit = std::chrono::seconds(10);

/// The path becomes a folder name in every hierarchy (P20).
void check_path(const std::string& path) {
    bool good = path.size() > 1 && path.size() < 3500 && path[0] == '/' &&
                path.find_first_of(std::string("\n\0", 2)) == std::string::npos;
    if (good) {
        for (const std::string& part : split(path.substr(1), '/'))
            good = good && !part.empty() && part != "." && part != "..";
    }
    if (!good) throw Error("cgroup path '{}': not of the form /parent/name", printable(path));
}

/// Each mount point once, in a stable order: co-mounted controllers share one.
std::vector<std::string> v1_mounts_to_join(const CgroupHost& host, const Resources& resources) {
    std::vector<std::string> mounts;
    auto add = [&](std::string_view controller) {
        std::string mount = host.v1_mount(controller);
        if (!mount.empty() && std::find(mounts.begin(), mounts.end(), mount) == mounts.end())
            mounts.push_back(std::move(mount));
    };
    for (const char* controller : {"pids", "memory", "cpu", "cpuacct", "devices", "blkio", "name=systemd"})
        add(controller);
    if (host.unified.empty()) add("freezer");
    if (resources.cpu && (!resources.cpu->cpus.empty() || !resources.cpu->mems.empty())) add("cpuset");
    if (!resources.hugepage_limits.empty()) add("hugetlb");
    if (!resources.rdma.empty()) add("rdma");
    if (resources.network && resources.network->class_id) add("net_cls");
    if (resources.network && !resources.network->priorities.empty()) add("net_prio");
    return mounts;
}

Fd open_tasks(const std::string& folder) { return Fd{::open((folder + "/tasks").c_str(), O_WRONLY | O_CLOEXEC)}; }

Fd open_folder(const std::string& folder) { return Fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)}; }

void write_self(int fd, const std::string& mount) {
    if (::write(fd, "0", 1) != 1) throw SysError("joining the cgroup in '{}'", mount);
}

} // namespace

std::string Cgroup::v1_folder(std::string_view mount) const { return std::string(mount) + path_; }

std::string Cgroup::members_folder() const {
    if (!unified_mount_.empty()) return unified_mount_ + path_;
    return folders_.empty() ? std::string() : v1_folder(folders_.front().mount);
}

Cgroup Cgroup::create(const CgroupHost& host, const std::string& path, const Resources& resources, Existing existing) {
    check_path(path);
    const auto if_exists = existing == Existing::empty ? IfExists::empty_it : IfExists::take;
    const auto writes = plan_cgroup(host, resources);
    Cgroup group;
    group.path_ = path;
    group.v1_ = host.v1;
    Rollback undo;
    undo.add([&group] { (void)group.remove(std::chrono::milliseconds(100)); });
    const std::string cpuset = host.v1_mount("cpuset");
    for (const std::string& mount : v1_mounts_to_join(host, resources)) {
        cgroup_files::make_folder(mount, path, if_exists, mount == cpuset);
        Folder& folder = group.folders_.emplace_back(Folder{mount, open_tasks(mount + path)});
        if (!folder.tasks) throw SysError("opening cgroup '{}{}'", mount, path);
    }
    if (!host.unified.empty()) {
        cgroup_files::make_folder(host.unified, path, if_exists, false);
        group.unified_mount_ = host.unified;
        group.unified_ = open_folder(host.unified + path);
        if (!group.unified_) throw SysError("opening cgroup '{}{}'", host.unified, path);
        enable_controllers(host, path, controllers_for(host, resources));
    }
    group.apply(writes);
    if (!resources.devices.empty() && host.v1_mount("devices").empty())
        attach_device_program(group.unified_, device_program_v2(resources.devices));
    undo.commit();
    return group;
}

Cgroup Cgroup::open(const CgroupHost& host, const std::string& path) {
    check_path(path);
    Cgroup group;
    group.path_ = path;
    group.v1_ = host.v1;
    std::vector<std::string> seen;
    for (const auto& [controller, mount] : host.v1) {
        if (std::find(seen.begin(), seen.end(), mount) != seen.end()) continue;
        seen.push_back(mount);
        if (Fd tasks = open_tasks(mount + path)) group.folders_.push_back({mount, std::move(tasks)});
    }
    if (!host.unified.empty()) {
        group.unified_ = open_folder(host.unified + path);
        if (group.unified_) group.unified_mount_ = host.unified;
    }
    return group;
}

std::vector<std::string> Cgroup::v1_mounts() const {
    std::vector<std::string> mounts;
    for (const Folder& folder : folders_) mounts.push_back(folder.mount);
    return mounts;
}

std::vector<int> Cgroup::v1_tasks() const {
    std::vector<int> fds;
    for (const Folder& folder : folders_) fds.push_back(folder.tasks.get());
    return fds;
}

void Cgroup::join_self(bool also_unified) const {
    for (const Folder& folder : folders_) write_self(folder.tasks.get(), folder.mount);
    if (!also_unified || !unified_) return;
    const Fd procs{::openat(unified_.get(), "cgroup.procs", O_WRONLY | O_CLOEXEC)};
    if (!procs) throw SysError("opening cgroup '{}{}'", unified_mount_, path_);
    write_self(procs.get(), unified_mount_);
}

void Cgroup::apply(const std::vector<CgroupWrite>& writes) const {
    std::vector<const CgroupWrite*> refused;
    std::string opened;
    Fd file;               // kept for the next value: a dozen device rules go to one file
    bool needless = false; // the write before was taken instead of this one
    for (const CgroupWrite& w : writes) {
        std::string path = w.mount + path_ + '/' + w.file;
        if (path != opened) {
            file = Fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
            opened = std::move(path);
        }
        const bool taken = file && ::write(file.get(), w.value.data(), w.value.size()) >= 0;
        const bool has_other = w.need == CgroupWrite::Need::this_or_next;
        if (!taken && !needless && !has_other) refused.push_back(&w);
        needless = taken && has_other;
    }
    for (const CgroupWrite* w : refused) cgroup_files::write(w->mount + path_ + '/' + w->file, w->value);
}

std::vector<CgroupWrite> Cgroup::current(const std::vector<CgroupWrite>& writes) const {
    std::vector<CgroupWrite> values;
    for (const CgroupWrite& w : writes)
        if (const auto text = cgroup_files::read(w.mount + path_ + '/' + w.file))
            values.push_back({w.mount, w.file, std::string(trim(*text))});
    return values;
}

void Cgroup::restore(const std::vector<CgroupWrite>& values) const noexcept {
    try {
        // Twice: values may depend on each other.
        for (int round = 0; round < 2; ++round)
            for (const CgroupWrite& value : values)
                cgroup_files::try_write(value.mount + path_ + '/' + value.file, value.value);
    } catch (const std::exception&) { // no memory: what can be given back has been
    }
}

void Cgroup::add_cpuset(const CgroupHost& host) {
    const std::string mount = host.v1_mount("cpuset");
    if (mount.empty()) return enable_controllers(host, path_, {"cpuset"});
    const bool joined =
        std::any_of(folders_.begin(), folders_.end(), [&](const Folder& f) { return f.mount == mount; });
    if (joined) return;
    cgroup_files::make_folder(mount, path_, IfExists::keep, true);
    folders_.push_back({mount, open_tasks(mount + path_)});
    // A process that forks meanwhile has a child outside: until all are in.
    const std::string file = mount + path_ + "/cgroup.procs";
    for (int round = 0; round < 10; ++round) {
        const std::vector<pid_t> inside = cgroup_files::members(mount + path_);
        bool moved = false;
        for (const pid_t pid : pids())
            if (std::find(inside.begin(), inside.end(), pid) == inside.end())
                moved = cgroup_files::try_write(file, std::to_string(pid)) == 0 || moved;
        if (!moved) return;
    }
}

void Cgroup::freeze() const {
    const auto deadline = steady_clock::now() + freeze_limit;
    bool frozen = false;
    if (!unified_mount_.empty()) {
        cgroup_files::write(unified_mount_ + path_ + "/cgroup.freeze", "1");
        frozen = cgroup_files::wait_for_event(unified_mount_ + path_, "frozen 1", deadline);
    } else {
        // v1 stays in FREEZING while a new child escapes it; writing again catches that one too.
        const std::string file = v1_folder(v1_.at("freezer")) + "/freezer.state";
        while (!frozen && steady_clock::now() < deadline) {
            cgroup_files::write(file, "FROZEN");
            frozen = is_frozen();
            if (!frozen) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }
    if (frozen) return;
    thaw();
    throw Error("freezing cgroup '{}': its processes did not stop within {} s", path_, freeze_limit.count());
}

void Cgroup::thaw() const {
    if (!unified_mount_.empty()) cgroup_files::write(unified_mount_ + path_ + "/cgroup.freeze", "0");
    else cgroup_files::write(v1_folder(v1_.at("freezer")) + "/freezer.state", "THAWED");
}

bool Cgroup::is_frozen() const {
    if (!unified_mount_.empty()) {
        const auto events = cgroup_files::read(unified_mount_ + path_ + "/cgroup.events");
        return events && cgroup_files::has_line(*events, "frozen 1");
    }
    const auto freezer = v1_.find("freezer");
    if (freezer == v1_.end()) return false;
    const auto state = cgroup_files::read(v1_folder(freezer->second) + "/freezer.state");
    return state && trim(*state) == "FROZEN";
}

void Cgroup::kill_all() const {
    if (!unified_mount_.empty()) {
        const int code = cgroup_files::try_write(unified_mount_ + path_ + "/cgroup.kill", "1");
        if (code == 0 || code == ENODEV) return;
        if (code != ENOENT) throw SysError(SysError::Code{code}, "killing the processes of cgroup '{}'", path_);
        // ENOENT: removed already, or a kernel before 5.14 without cgroup.kill.
    }
    const std::string folder = members_folder();
    if (folder.empty()) return;
    if (is_frozen()) {
        // A frozen process takes no signal on v1, not even SIGKILL: they die at the moment they are
        // thawed.
        cgroup_files::signal_members_until_empty(folder, steady_clock::now());
        thaw();
    }
    cgroup_files::signal_members_until_empty(folder, steady_clock::now() + freeze_limit);
}

Fd Cgroup::open_group_of(pid_t member) const {
    return unified_ ? cgroup_files::open_folder_with(unified_mount_, path_, member) : Fd{};
}

Fd Cgroup::open_subgroup(const std::string& name) const {
    if (!unified_ || (::mkdirat(unified_.get(), name.c_str(), 0755) != 0 && errno != EEXIST)) return Fd{};
    return Fd{::openat(unified_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
}

bool Cgroup::kill_subgroup(const Fd& folder) {
    if (!folder) return false;
    const Fd events{::openat(folder.get(), "cgroup.events", O_RDONLY | O_CLOEXEC)};
    std::array<char, 128> text{};
    const ssize_t length = events ? ::read(events.get(), text.data(), text.size()) : -1;
    const bool empty =
        length > 0 && cgroup_files::has_line({text.data(), static_cast<std::size_t>(length)}, "populated 0");
    if (empty) return false;
    const Fd file{::openat(folder.get(), "cgroup.kill", O_WRONLY | O_CLOEXEC)};
    return file && ::write(file.get(), "1", 1) == 1;
}

std::vector<pid_t> Cgroup::pids() const {
    const std::string folder = members_folder();
    return folder.empty() ? std::vector<pid_t>() : cgroup_files::members(folder);
}

bool Cgroup::remove(std::chrono::milliseconds limit) const {
    const auto deadline = steady_clock::now() + limit;
    bool gone = true;
    if (!unified_mount_.empty()) gone = cgroup_files::remove_folder(unified_mount_ + path_, deadline);
    for (const Folder& folder : folders_) gone = cgroup_files::remove_folder(v1_folder(folder.mount), deadline) && gone;
    return gone;
}

namespace {

/// One hierarchy of /proc/self/cgroup: our folder in it. Empty mount for one that this host
/// detection left out.
struct Membership {
    std::string mount, path;
    bool v1 = false;
};

std::vector<Membership> own_memberships(const CgroupHost& host) {
    std::vector<Membership> all;
    for (const std::string& line : split(cgroup_files::read("/proc/self/cgroup").value_or(""), '\n')) {
        const std::size_t first = line.find(':'), second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        if (controllers.empty()) all.push_back({host.unified, line.substr(second + 1), false});
        else all.push_back({host.v1_mount(split(controllers, ',').front()), line.substr(second + 1), true});
    }
    return all;
}

} // namespace

void join_monitor_cgroup(const CgroupHost& host) {
    const std::string cpuset = host.v1_mount("cpuset");
    for (const Membership& own : own_memberships(host)) {
        if (own.mount.empty() || own.path == "/" || own.path == monitors_path) continue;
        const std::string folder = own.mount + monitors_path;
        const std::string file = folder + (own.v1 ? "/tasks" : "/cgroup.procs");
        if (cgroup_files::try_write(file, "0") == 0) continue;
        cgroup_files::make_folder(own.mount, monitors_path, IfExists::keep, own.mount == cpuset);
        cgroup_files::write(file, "0");
    }
}

Fd monitor_cgroup(const CgroupHost& host) {
    if (host.unified.empty()) return Fd{};
    const std::string folder = host.unified + monitors_path;
    Fd fd = open_folder(folder);
    if (fd) return fd;
    cgroup_files::make_folder(host.unified, monitors_path, IfExists::keep, false);
    fd = open_folder(folder);
    if (!fd) throw SysError("opening cgroup '{}'", folder);
    return fd;
}

} // namespace kist::oci
