// SPDX-License-Identifier: Apache-2.0
#include "engine/host_facts.hh"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.hh"
#include "engine/create_parts.hh"
#include "engine/init_program.hh"
#include "engine/log_options.hh"
#include "engine/mount_facts.hh"
#include "oci/run/mount_plan.hh"
#include "oci/run/notify_socket.hh"
#include "oci/run/seccomp.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;

struct FoundDevice {
    oci::Device device;
    std::string access;
};

std::optional<oci::Device> device_at(const std::string& host_path, const std::string& container_path) {
    struct stat info {};
    if (stat(host_path.c_str(), &info) != 0) throw SysError("adding device '{}'", host_path);
    if (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode)) return std::nullopt;
    oci::Device device;
    device.type = S_ISBLK(info.st_mode) ? "b" : "c";
    device.path = container_path;
    device.major = static_cast<std::int64_t>(major(info.st_rdev));
    device.minor = static_cast<std::int64_t>(minor(info.st_rdev));
    device.file_mode = info.st_mode & 07777;
    device.uid = info.st_uid;
    device.gid = info.st_gid;
    return device;
}

/// Devices below a folder of the host; links are not followed, and what a container has of its own is left out.
void devices_below(const std::string& folder, const std::string& target, const std::string& access,
                   std::vector<FoundDevice>& found, int depth = 0) {
    Dir dir = Dir::open(folder);
    for (const std::string& name : dir.names()) {
        struct stat info {};
        if (fstatat(dir.fd().get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
        std::string path = folder + "/" + name, inside = target + "/" + name;
        static const std::vector<std::string> own = {"/dev/pts",    "/dev/shm",     "/dev/fd",
                                                     "/dev/mqueue", "/dev/.lxc",    "/dev/.lxd-mounts",
                                                     "/dev/.udev",  "/dev/console", "/dev/ptmx"};
        if (std::find(own.begin(), own.end(), path) != own.end()) continue;
        if (S_ISDIR(info.st_mode) && depth < 8) devices_below(path, inside, access, found, depth + 1);
        else if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode))
            if (auto device = device_at(path, inside)) found.push_back({std::move(*device), access});
    }
}

void find_devices(const ContainerConfig& config, HostFacts& facts) {
    std::vector<FoundDevice> found;
    if (config.security.privileged) devices_below("/dev", "/dev", "rwm", found);
    for (const storage::DeviceConfig& asked : config.devices) {
        if (auto device = device_at(asked.host_path, asked.container_path))
            found.push_back({std::move(*device), asked.access});
        else devices_below(asked.host_path, asked.container_path, asked.access, found);
    }
    for (FoundDevice& one : found) {
        facts.device_rules.push_back({true, one.device.type, one.device.major, one.device.minor, one.access});
        std::erase_if(facts.devices, [&](const oci::Device& other) { return other.path == one.device.path; });
        facts.devices.push_back(std::move(one.device));
    }
}

/// The run folder with the hosts and resolv.conf of who lends its network to `view`, or has it lent itself, and so on.
std::string name_files_folder(Engine& engine, storage::ContainerView view) {
    while (view.config.namespaces.network.starts_with("container:")) {
        const auto lender = ContainerId::parse(view.config.namespaces.network.substr(10));
        auto next = lender ? engine.containers().view(*lender) : std::nullopt;
        if (!next)
            throw Error("cannot join network of container {}: the one that lends it its network is gone",
                        view.config.name);
        view = std::move(*next);
    }
    return engine.containers().run_dir(ContainerId::parse(view.config.id).value()).path();
}

void find_joined(Engine& engine, const ContainerConfig& config, HostFacts& facts) {
    const auto& modes = config.namespaces;
    for (const auto& [mode, what] : {std::pair{&modes.network, "network"},
                                     {&modes.pid, "PID namespace"},
                                     {&modes.ipc, "IPC namespace"},
                                     {&modes.uts, "UTS namespace"},
                                     {&modes.cgroup, "cgroup namespace"},
                                     {&modes.user, "user namespace"}}) {
        if (!mode->starts_with("container:")) continue;
        std::string id = mode->substr(10);
        auto view = engine.containers().view(ContainerId::parse(id).value());
        if (!view) throw Error("cannot join {} of container {}: it is gone", what, id);
        if (view->state.pid == 0) throw Error("cannot join {} of a non running container: {}", what, view->config.name);
        facts.joined[id] = view->state.pid;
        if (mode == &modes.network) facts.joined_run_dirs[id] = name_files_folder(engine, std::move(*view));
    }
}

/// The compiled filter is kept beside the container, so that an exec has the same one as init, whatever happens to the cache.
std::string write_seccomp(Engine& engine, const ContainerConfig& config, const Dir& run_dir) {
    if (config.security.seccomp == "unconfined") return "";
    Dir cache = engine.store().data().create_dir("seccomp");
    oci::SeccompProgram program =
        oci::cached_program(cache, config.security.seccomp_profile, capabilities_of(config.security));
    auto fd = run_dir.open_file("seccomp", O_WRONLY | O_CREAT | O_TRUNC);
    if (!fd) throw Error("writing seccomp filter: the run folder is gone");
    write_full(*fd, program, "seccomp");
    return run_dir.path_of("seccomp");
}

/// A volatile overlay leaves a mark, which keeps it from being mounted again: meant for a host that has crashed. A --rm
/// container that is restarted (SEEDS A111) has lost nothing.
void clear_volatile_mark(const ContainerConfig& config, const Dir& data) {
    if (!config.auto_remove) return;
    if (auto work = data.open_dir_if_exists("work"))
        if (auto inner = work->open_dir_if_exists("work")) inner->remove_tree("incompat");
}

} // namespace

bool can_limit_swap(Engine& engine) {
    auto memory = engine.cgroups().v1.find("memory");
    if (memory == engine.cgroups().v1.end()) return true;
    return access((memory->second + "/memory.memsw.limit_in_bytes").c_str(), F_OK) == 0;
}

namespace {

bool has_limits(const ContainerConfig& config) {
    storage::ResourceConfig plain;
    plain.pids_limit = config.resources.pids_limit;
    return config.resources != plain;
}

} // namespace

HostFacts gather_facts(Engine& engine, const ContainerConfig& config, const Dir& run_dir) {
    HostFacts facts;
    facts.data_root = engine.store().paths().data_root;
    facts.run_root = engine.store().paths().run_root;
    facts.run_dir = run_dir.path();
    Dir data = engine.containers().data_dir(ContainerId::parse(config.id).value());
    facts.log_path = data.path_of(log_file_name(config));
    clear_volatile_mark(config, data);
    facts.root = plan_container_root(engine, config, data);
    find_joined(engine, config, facts);
    find_mounts(engine, config, data, facts);
    find_devices(config, facts);
    if (config.init) facts.init_program = find_init_program(engine.config());
    facts.seccomp_program = write_seccomp(engine, config, run_dir);
    facts.notify_socket = oci::manager_socket().value_or("");
    if (config.resources.memory > 0 && config.resources.memory_swap == 0) facts.swap_limit = can_limit_swap(engine);
    return facts;
}

void check_plan(Engine& engine, const ContainerConfig& config) {
    HostFacts facts;
    if (has_limits(config)) {
        if (config.resources.memory > 0 && config.resources.memory_swap == 0) facts.swap_limit = can_limit_swap(engine);
        oci::plan_cgroup(engine.cgroups(), plan_resources(config, facts));
    }
    if (config.mounts.empty()) return;
    const auto& modes = config.namespaces;
    for (const std::string* mode : {&modes.network, &modes.pid, &modes.ipc, &modes.uts, &modes.cgroup, &modes.user})
        if (mode->starts_with("container:")) {
            facts.joined[mode->substr(10)] = 1;
            facts.joined_run_dirs[mode->substr(10)] = "/";
        }
    oci::plan_root(plan_job(config, facts).spec);
}

} // namespace kist::engine
