// SPDX-License-Identifier: Apache-2.0
// What will be mounted, made, hidden and locked in a container's root, decided from the spec alone: pure, no privilege.
// root_files.hh carries it out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "oci/run/mount_options.hh"
#include "oci/spec/root_mount.hh"
#include "oci/spec/runtime_spec.hh"

namespace kist::oci {

struct MountStep {
    /// cgroup: the container's own folders of every hierarchy it joined, in the layout that this host has.
    /// overlay: folders of the host on top of each other ("lowerdir+=" for each), by descriptor.
    enum class Kind { file_system, bind, cgroup, overlay };
    Kind kind = Kind::file_system;
    std::string target; ///< clean and absolute
    std::string type;
    std::string source;
    MountOptions options;
    RootMount overlay;
    /// For an idmapped bind; empty: the container's own maps.
    std::vector<IdMapping> uid_map, gid_map;
    /// The target may not be a link, not even one that stays inside: /proc and /sys of a hostile image (CVE-2023-27561).
    bool refuse_link = false;
    bool operator==(const MountStep&) const = default;
};

struct DevicePlan {
    std::vector<Device> nodes;
    struct Link {
        std::string path;
        std::string text;
        bool operator==(const Link&) const = default;
    };
    std::vector<Link> links;
    bool operator==(const DevicePlan&) const = default;
};

struct RootPlan {
    /// What happens first to the copy of the host's mounts: MS_PRIVATE, MS_SLAVE (a volume wants to see later mounts of
    /// the host), or 0 (a volume is shared both ways).
    std::uint64_t host_propagation = MS_PRIVATE;
    std::vector<MountStep> steps;
    DevicePlan devices;
    bool console = false;
    std::vector<std::string> masked, read_only;
    bool root_read_only = false;
    /// SELinux context of the file systems made for the container; empty: none.
    std::string label;
    /// Propagation of the container's own root after all, as MS_…; 0: private.
    std::uint64_t root_propagation = 0;
    bool operator==(const RootPlan&) const = default;
};

/// Throws Error naming the mount, device or path that is malformed or not allowed.
RootPlan plan_root(const Spec&);

/// The flags of rootfsPropagation's and the mount options' words without r: "slave" → MS_SLAVE. Throws Error.
std::uint64_t propagation_flag(const std::string& word);

} // namespace kist::oci
