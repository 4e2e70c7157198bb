// SPDX-License-Identifier: Apache-2.0
#include "oci/run/host_files.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/error.hh"
#include "oci/run/mount_api.hh"
#include "oci/run/root_mount.hh"

namespace kist::oci {

namespace {

/// The user namespace whose maps an idmapped mount has. Made when first needed.
class Mapper {
public:
    explicit Mapper(const HostFilesWanted& wanted) : wanted_(wanted) {}
    /// Of the container.
    const Fd& container() {
        if (wanted_.joined != nullptr) return *wanted_.joined;
        if (!own_) own_ = make_user_namespace(wanted_.uids, wanted_.gids);
        return own_;
    }

private:
    const HostFilesWanted& wanted_;
    Fd own_;
};

Fd open_bind(const MountStep& step, Mapper& mapper) {
    Fd mount = clone_source(step);
    if (step.options.idmap == Idmap::none) return mount;
    const Depth depth = step.options.idmap == Idmap::tree ? Depth::tree : Depth::one;
    if (step.uid_map.empty()) idmap_mount(mount, mapper.container(), depth);
    else idmap_mount(mount, make_user_namespace(step.uid_map, step.gid_map), depth);
    return mount;
}

std::vector<Fd> open_binds(const HostFilesWanted& wanted, Mapper& mapper) {
    std::vector<Fd> binds(wanted.plan.steps.size());
    for (std::size_t i = 0; i < binds.size(); ++i) {
        const MountStep& step = wanted.plan.steps[i];
        const bool idmapped = step.options.idmap != Idmap::none;
        if (step.kind != MountStep::Kind::bind || (!wanted.user_namespace && !idmapped)) continue;
        if (idmapped && step.uid_map.empty() && !wanted.user_namespace)
            throw Error("mounting '{}': 'idmap' without maps needs a user namespace", step.target);
        try {
            binds[i] = open_bind(step, mapper);
        } catch (Error& error) {
            error.while_doing("mounting '{}'", step.target);
            throw;
        }
    }
    return binds;
}

/// The host's node of that path, proven to be the device that was asked for.
Fd open_device(const Device& device) {
    if (device.type == "p") return {}; // everybody may make a FIFO
    Fd mount = clone_host_mount(device.path, Depth::one);
    struct stat facts {};
    if (::fstat(mount.get(), &facts) < 0) throw SysError("reading device '{}'", device.path);
    const mode_t type = device.type == "b" ? S_IFBLK : S_IFCHR;
    const dev_t number = makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor));
    if ((facts.st_mode & S_IFMT) != type || facts.st_rdev != number)
        throw Error(
            "device '{}': the host's node of that path is another device, and in a user namespace none can be made",
            device.path);
    change_mount(mount, {.set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, .propagation = MS_PRIVATE}, Depth::one);
    return mount;
}

} // namespace

HostFiles open_host_files(const HostFilesWanted& wanted) {
    Mapper mapper(wanted);
    HostFiles files;
    files.early = make_early_mounts(wanted.plan);
    files.binds = open_binds(wanted, mapper);
    if (!wanted.user_namespace) return files;
    files.root = prepare_root(wanted.root, wanted.root.idmapped ? &mapper.container() : nullptr);
    for (const Device& device : wanted.plan.devices.nodes) files.devices.push_back(open_device(device));
    if (!wanted.cgroup.unified.empty()) files.cgroups.push_back(clone_host_mount(wanted.cgroup.unified, Depth::one));
    for (const auto& [name, folder] : wanted.cgroup.hierarchies)
        files.cgroups.push_back(clone_host_mount(folder, Depth::one));
    files.null = open_null_device();
    return files;
}

} // namespace kist::oci
