// SPDX-License-Identifier: Apache-2.0
// Carries out the mounts of a RootPlan by descriptor (P2): the only code that mounts into a container's root.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <sys/mount.h>

#include "base/fd.hh"
#include "oci/run/cgroup.hh"
#include "oci/run/mount_plan.hh"
#include "oci/run/volume_seed.hh"

namespace kist::oci {

/// What a container sees below /sys/fs/cgroup: folders of the host's cgroup mounts, shown by bind mounts. A fresh cgroup
/// mount in the container's cgroup namespace would look the same and cost a superblock each.
struct CgroupView {
    /// v1: entry name ("memory") and the host folder behind it. A name with commas gets a link for each part.
    std::vector<std::pair<std::string, std::string>> hierarchies;
    /// v2 alone: the folder that is all of /sys/fs/cgroup.
    std::string unified;
    bool operator==(const CgroupView&) const = default;
};

/// With a cgroup namespace (and on v1 always) the container sees its own folders, else the host's v2 tree.
CgroupView cgroup_view(const Cgroup& cgroup, bool own_namespace);

/// What is left to do after the mounts.
struct LateSteps {
    /// Mounts that are to be read-only once the runtime has put its own things below them.
    std::vector<Fd> read_only;
    /// Folders for the container's user, who is looked up in the finished root.
    std::vector<LateOwner> owners;
    /// procfs and sysfs by what their paths begin with ("/proc/").
    std::map<std::string, Fd> kernel;
};

/// Detached mounts by target.
using EarlyMounts = std::map<std::string, Fd>;
/// File systems that are the host's, made before the container's namespaces are: a network file system speaks through the network
/// of who makes it.
EarlyMounts make_early_mounts(const RootPlan& plan);

/// In the new mount namespace, with the host's tree still at "/".
struct HostFiles;
LateSteps make_mounts(const Fd& root, const RootPlan& plan, const CgroupView& cgroup, HostFiles& host);
/// Everything from its path.
LateSteps make_mounts(const Fd& root, const RootPlan& plan, const CgroupView& cgroup);

/// A detached copy of a bind step's source, or of what is below it.
Fd clone_source(const MountStep& step);
/// The same with the step's flags and ids, to be placed in a container that runs (`user_namespace`: the container's).
Fd prepare_bind(const MountStep& step, const Fd& user_namespace);
/// A detached copy of the host's null device, proven to be it.
Fd open_null_device();

/// MOUNT_ATTR_* of what hides a file.
inline constexpr std::uint64_t mask_flags = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
/// Hides what is there: folders behind one empty read-only tmpfs, files behind the host's null device (checked).
/// `null`: the device, or empty to take it now. What is below one of `kernel` is looked up from there: who can rename in the root's
/// folder would have another '/proc' masked.
void mask_paths(const Fd& root, const std::map<std::string, Fd>& kernel, const std::vector<std::string>& paths,
                Fd null);
void protect_paths(const Fd& root, const std::map<std::string, Fd>& kernel, const std::vector<std::string>& paths);

} // namespace kist::oci
