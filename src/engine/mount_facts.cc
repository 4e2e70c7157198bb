// SPDX-License-Identifier: Apache-2.0
#include "engine/mount_facts.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/volumes.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;
using storage::MountConfig;

/// A create that was killed between its record and its volumes: such a container was never started.
bool may_make(Engine& engine, const ContainerConfig& config, const MountConfig& mount) {
    const auto view = engine.containers().view(ContainerId::parse(config.id).value());
    return mount.anonymous && view && view->damage.empty() && view->state.started_at == 0;
}

FoundVolume find_volume(Engine& engine, const ContainerConfig& config, const MountConfig& mount) {
    auto record = engine.volumes().find(mount.name);
    if (!record && may_make(engine, config, mount)) {
        storage::VolumeRecord anonymous;
        anonymous.name = mount.name;
        anonymous.anonymous = true;
        anonymous.created = config.created;
        anonymous.owner = config.id;
        anonymous.auto_remove = config.auto_remove;
        ensure_volumes(engine, {anonymous});
        record = engine.volumes().find(mount.name);
    }
    if (!record)
        throw Error("mounting volume '{}' on '{}': it does not exist any more", mount.name, mount.destination)
            .with_hint("to go on without its data, make it again with 'kist volume create " + mount.name + "'");
    return {std::move(*record), {engine.volumes().data_path(mount.name), engine.volumes().is_fresh(mount.name)}};
}

/// The folder on top has the mode and owner of the one below: they are what the container sees.
void make_upper(const Dir& folder, const std::string& lower) {
    struct stat facts {};
    if (::stat(lower.c_str(), &facts) != 0) throw SysError("mounting from '{}'", lower);
    folder.make_dir("work");
    const Dir upper = folder.create_dir("upper", facts.st_mode & 07777);
    if (::fchown(upper.fd().get(), facts.st_uid, facts.st_gid) != 0 ||
        ::fchmod(upper.fd().get(), facts.st_mode & 07777) != 0)
        throw SysError("making '{}'", upper.path());
}

/// Beside the container's own upper layer, so it goes with the container.
UpperFolders find_upper(const MountConfig& mount, std::size_t index, const Dir& container_data,
                        const std::string& lower) {
    if (!mount.upper.empty()) return {mount.upper, mount.work};
    const Dir mounts = container_data.create_dir("mounts");
    const std::string name = std::to_string(index);
    if (mount.is_overlay) mounts.remove_tree(name); // what was written is for one run
    const Dir folder = mounts.create_dir(name);
    make_upper(folder, lower);
    return {folder.path_of("upper"), folder.path_of("work")};
}

} // namespace

oci::RootMount plan_container_root(Engine& engine, const ContainerConfig& config, const Dir& container_data) {
    if (config.rootfs.empty()) {
        return engine.images().prepare_root(
            config.layer, container_data,
            {config.auto_remove, config.overlay_options, config.root_size, config.root_project});
    }
    oci::RootMount plan;
    plan.path = config.rootfs;
    if (!config.rootfs_overlay) return plan;
    make_upper(container_data, config.rootfs);
    plan.kind = oci::RootMount::Kind::overlay;
    plan.lower = {config.rootfs};
    plan.upper = container_data.path_of("upper");
    plan.work = container_data.path_of("work");
    return plan;
}

void find_mounts(Engine& engine, const ContainerConfig& config, const Dir& container_data, HostFacts& facts) {
    for (std::size_t i = 0; i < config.mounts.size(); ++i) {
        const MountConfig& mount = config.mounts[i];
        std::string lower = mount.source;
        if (mount.type == "volume") {
            const auto found = facts.volumes.emplace(mount.name, find_volume(engine, config, mount)).first;
            lower = found->second.facts.data_path;
            if (mount.is_overlay && plan_volume_source(found->second.record).kind != VolumeSource::Kind::folder)
                throw Error("mounting volume '{}' with 'O': it lies elsewhere", mount.name);
        }
        if (mount.type == "image") {
            facts.layers[mount.layer] = engine.images().layer_folders(mount.layer);
            lower = facts.layers[mount.layer].front();
        }
        const bool writes_apart = mount.is_overlay || (mount.type == "image" && mount.read_write);
        if (writes_apart) facts.uppers[mount.destination] = find_upper(mount, i, container_data, lower);
    }
}

} // namespace kist::engine
