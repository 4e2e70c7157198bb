// SPDX-License-Identifier: Apache-2.0
// The kernel's file systems, /etc/hosts and its like, then what the user asked for; outer mounts before inner ones.
#include "engine/mount_spec.hh"

#include <algorithm>

#include "engine/init_program.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;

std::vector<oci::Mount> kernel_mounts(const ContainerConfig& config) {
    const char* access = config.security.privileged ? "rw" : "ro";
    std::vector<oci::Mount> mounts = {
        {"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}},
        {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
        {"/dev/pts", "devpts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
        {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", access}},
        {"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", access}},
        {"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}}};
    // Root of a user namespace may mount these only for namespaces that belong to it; the host's are shown instead.
    if (config.namespaces.user == "host") return mounts;
    if (config.namespaces.network == "host")
        mounts[3] = {"/sys", "bind", "/sys", {"rbind", "rprivate", "nosuid", "noexec", "nodev", "rro"}};
    if (config.namespaces.pid == "host")
        mounts[0] = {"/proc", "bind", "/proc", {"rbind", "rprivate", "nosuid", "noexec", "nodev"}};
    return mounts;
}

/// Shared memory files belong to the IPC namespace in all but name: who shares the one shares the other.
void add_shm(std::vector<oci::Mount>& mounts, const ContainerConfig& config, const HostFacts& facts) {
    const std::string& ipc = config.namespaces.ipc;
    if (ipc == "none") return;
    if (ipc == "host") {
        mounts.push_back({"/dev/shm", "bind", "/dev/shm", {"rbind", "rprivate", "nosuid", "noexec", "nodev"}});
    } else if (ipc.starts_with("container:")) {
        std::string source = fmt::format("/proc/{}/root/dev/shm", facts.joined.at(ipc.substr(10)));
        mounts.push_back({"/dev/shm", "bind", source, {"bind", "rprivate", "nosuid", "noexec", "nodev"}});
    } else {
        std::string size = "size=" + std::to_string(config.shm_size);
        mounts.push_back({"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", size}});
    }
}

void add_name_files(std::vector<oci::Mount>& mounts, const ContainerConfig& config, const HostFacts& facts) {
    std::string folder = facts.run_dir;
    if (config.namespaces.network.starts_with("container:"))
        folder = facts.joined_run_dirs.at(config.namespaces.network.substr(10));
    std::vector<std::string> options = {"bind", "rprivate"};
    if (config.read_only) options.push_back("ro");
    mounts.push_back({"/etc/hostname", "bind", facts.run_dir + "/hostname", options});
    mounts.push_back({"/etc/hosts", "bind", folder + "/hosts", options});
    mounts.push_back({"/etc/resolv.conf", "bind", folder + "/resolv.conf", options});
}

std::size_t depth(const std::string& path) {
    return static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
}

/// At create nothing of a volume or image is known yet, and only the destination is checked.
oci::Mount plan_volume(const storage::MountConfig& asked, const HostFacts& facts) {
    const auto found = facts.volumes.find(asked.name);
    storage::VolumeRecord record;
    record.name = asked.name;
    oci::Mount mount = found != facts.volumes.end()
                           ? plan_volume_mount(asked, found->second.record, found->second.facts)
                           : plan_volume_mount(asked, record, {"/", false});
    mount.uid_mappings = asked.uid_map;
    mount.gid_mappings = asked.gid_map;
    return mount;
}

/// Layers as they lie in the store, and what is written on top of them, if that is allowed.
oci::Mount plan_overlay(const storage::MountConfig& asked, const std::vector<std::string>& lower,
                        const HostFacts& facts) {
    oci::Mount mount{asked.destination, "overlay", "overlay", {}};
    for (const std::string& folder : lower) mount.options.push_back("lowerdir+=" + folder);
    if (const auto own = facts.uppers.find(asked.destination); own != facts.uppers.end()) {
        mount.options.push_back("upperdir=" + own->second.upper);
        mount.options.push_back("workdir=" + own->second.work);
    } else {
        mount.options.emplace_back("ro");
    }
    for (const std::string& word : asked.options)
        if (word != "bind" && word != "rbind") mount.options.push_back(word);
    if (!asked.subpath.empty()) mount.options.push_back("kist.subpath=" + asked.subpath);
    return mount;
}

oci::Mount plan_asked(const storage::MountConfig& asked, const HostFacts& facts) {
    if (asked.type == "image") {
        const auto found = facts.layers.find(asked.layer);
        return plan_overlay(asked, found == facts.layers.end() ? std::vector<std::string>{"/"} : found->second, facts);
    }
    if (asked.type != "volume" && !asked.is_overlay)
        return {asked.destination, asked.type, asked.source, asked.options, asked.uid_map, asked.gid_map};
    if (!asked.is_overlay) return plan_volume(asked, facts);
    const auto volume = facts.volumes.find(asked.name);
    return plan_overlay(asked, {volume == facts.volumes.end() ? asked.source : volume->second.facts.data_path}, facts);
}

} // namespace

std::vector<oci::Mount> plan_mounts(const ContainerConfig& config, const HostFacts& facts) {
    std::vector<oci::Mount> mounts = kernel_mounts(config);
    add_shm(mounts, config, facts);
    add_name_files(mounts, config, facts);
    if (!facts.init_program.empty())
        mounts.push_back({init_target, "bind", facts.init_program, {"bind", "rprivate", "ro"}});
    for (const storage::MountConfig& asked : config.mounts) {
        std::erase_if(mounts, [&](const oci::Mount& own) { return own.destination == asked.destination; });
        mounts.push_back(plan_asked(asked, facts));
    }
    std::stable_sort(mounts.begin(), mounts.end(), [](const oci::Mount& a, const oci::Mount& b) {
        return depth(a.destination) < depth(b.destination);
    });
    return mounts;
}

} // namespace kist::engine
