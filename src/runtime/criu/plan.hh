// SPDX-License-Identifier: Apache-2.0
// What criu is asked to do with a container: what it dumps itself, what is the host's and only named, and what takes the place of
// that in the restored container. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mountinfo.hh"
#include "oci/run/mount_steps.hh"
#include "oci/spec/runtime_spec.hh"
#include "runtime/criu/message.hh"

namespace kist::runtime::criu {

inline constexpr const char* dump_log = "dump.log";
inline constexpr const char* restore_log = "restore.log";
/// In the images folder, as other runtimes write it: what the three standard streams were, a JSON list of strings.
inline constexpr const char* descriptors_name = "descriptors.json";
/// criu's socket is its descriptor of this number. When it restores, the files of RestorePlan are the following ones, then come
/// the folders of images and log.
inline constexpr int socket_number = 3;

/// What checkpoint and restore share.
struct Wishes {
    bool tcp_established = false, ext_unix_sk = false, shell_job = false, file_locks = false;
    bool auto_dedup = false, link_remap = false;
    bool empty_network = false; ///< the network namespace without what is in it
    CgroupMode cgroups = CgroupMode::soft;
};
struct CheckpointWishes : Wishes {
    bool leave_running = false, pre_dump = false;
    std::string parent_images;
};
struct RestoreWishes : Wishes {
    std::string lsm_profile, lsm_mount_context;
};

/// What a descriptor is open on: the text of /proc/PID/fd/N, and the file's identity.
struct Stream {
    std::string link;
    int mount = 0;
    std::uint64_t inode = 0;
    bool is_terminal = false;
};

struct CheckpointFacts {
    int pid = 0;
    std::string rootfs;
    std::vector<MountLine> mounts; ///< of the container
    std::vector<Stream> streams;   ///< standard input, output, error
    /// Inodes of the namespaces that the spec joins.
    std::map<oci::NamespaceType, std::uint64_t> joined;
    std::string freezer; ///< control group by which criu stops the processes; empty: it stops each
};
struct CheckpointPlan {
    Options options;
    std::vector<std::string> descriptors;
};
/// Throws Error naming what could not be restored.
CheckpointPlan plan_checkpoint(const oci::Spec&, const CheckpointWishes&, const CheckpointFacts&);

struct RestoreFacts {
    std::string root; ///< where the root file system is mounted for criu
    std::string rootfs;
    std::vector<MountLine> mounts; ///< of the host
    oci::CgroupView cgroup_view;
    std::string cgroup;                   ///< the new container's path
    std::vector<std::string> controllers; ///< as Options::controllers
    std::vector<std::string> descriptors;
};
/// A place that a mount needs, below a folder of the host.
struct MountPoint {
    std::string folder, path;
    std::string source; ///< of a bind: the place is a file where this is one
    bool operator==(const MountPoint&) const = default;
};
/// Flags that a mount must have, as MOUNT_ATTR_*: criu gives none to a mount when it has given the same ones to another mount of
/// the same files.
struct MountFlags {
    std::string path;
    std::uint64_t flags = 0;
    bool tree = false; ///< with all below
    bool operator==(const MountFlags&) const = default;
};
struct RestorePlan {
    Options options;
    std::vector<std::string> files; ///< to be opened
    std::vector<MountPoint> points; ///< criu makes none outside of what it dumped
    std::vector<MountFlags> flags;  ///< for those of these paths that are mounts
};
/// Throws Error.
RestorePlan plan_restore(const oci::Spec&, const RestoreWishes&, const RestoreFacts&);

/// The errors in the text of criu's log, the last few.
std::vector<std::string> errors_of_log(std::string_view log);

} // namespace kist::runtime::criu
