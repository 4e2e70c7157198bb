// SPDX-License-Identifier: Apache-2.0
// Control groups of one container, on whatever the host has: v1 hierarchies, v1 with a v2 tree
// beside it (hybrid), or v2. https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/fd.hh"
#include "oci/spec/runtime_spec.hh"

namespace kist::oci {

/// What this host mounts. Detected once per process from /proc/self/mountinfo; tests build one by
/// hand.
struct CgroupHost {
    enum class Kind { v1, hybrid, v2 };
    Kind kind = Kind::v2;
    /// v1 controller (or "name=systemd") → mount point. Co-mounted controllers share one.
    std::map<std::string, std::string> v1;
    /// Mount point of the v2 tree; empty on pure v1.
    std::string unified;
    /// Controllers of the v2 tree.
    std::vector<std::string> unified_controllers;
    static CgroupHost detect();
    /// Pure part of detect(): everything but unified_controllers, from the text of a mountinfo
    /// file.
    static CgroupHost parse(std::string_view mountinfo);
    /// Mount point of a v1 controller; empty when this host has it on v2 or not at all.
    std::string v1_mount(std::string_view controller) const;
    bool has_unified_controller(std::string_view controller) const;
};

/// One value to write: which hierarchy (mount point), which file below the container's folder,
/// what.
struct CgroupWrite {
    std::string mount;
    std::string file;
    std::string value;
    /// this_or_next: kernels have this file, that of the next write or both, and one has to take its value.
    enum class Need { this_one, this_or_next } need = Need::this_one;
    bool operator==(const CgroupWrite&) const = default;
};
/// Pure: the values for `resources` on `host`. Throws Error naming a limit that this host cannot
/// give (P19). Device rules become v1 writes here; on v2 they are a program (cgroup_devices.hh)
/// that create() attaches.
std::vector<CgroupWrite> plan_cgroup(const CgroupHost& host, const Resources& resources);

/// A limit of 0 means none. memory_cache is the inactive page cache, which Docker's users expect to
/// see subtracted.
struct CgroupStats {
    std::uint64_t cpu_usage_ns = 0, cpu_user_ns = 0, cpu_system_ns = 0;
    std::uint64_t memory_usage = 0, memory_limit = 0, memory_peak = 0, memory_cache = 0;
    std::uint64_t pids = 0, pids_limit = 0;
    std::uint64_t io_read_bytes = 0, io_write_bytes = 0;
    std::uint64_t oom_kills = 0;
};

/// The folders of one container in every hierarchy that it joins. Any process may open them by path
/// again.
class Cgroup {
public:
    /// Only the hierarchies that matter are joined: pids, memory, cpu, cpuacct, devices, blkio
    /// (statistics), name=systemd where systemd runs, freezer only without a v2 tree, cpuset only
    /// when a limit asks for it, and the v2 tree. `path` as "/kist/<id>". Left-overs of a dead
    /// container with that path are emptied first.
    /// `Existing::take`: a folder of that path is somebody's who asked for it; with processes in it, it is an Error.
    enum class Existing { empty, take };
    static Cgroup create(const CgroupHost& host, const std::string& path, const Resources& resources,
                         Existing existing = Existing::empty);
    /// For a cgroup made earlier, by whomever. Missing folders are skipped.
    static Cgroup open(const CgroupHost& host, const std::string& path);

    /// The v2 folder for clone3(CLONE_INTO_CGROUP); an empty Fd on pure v1.
    const Fd& unified() const { return unified_; }
    /// The opened `tasks` files of the v1 hierarchies. A single-threaded process joins by writing
    /// "0" to each itself: that way the kernel takes no global lock (0.01 ms each; another's pid in
    /// cgroup.procs costs 0.4 to 13 ms).
    std::vector<int> v1_tasks() const;
    /// Writes "0" to every v1_tasks(); for a v2 tree without CLONE_INTO_CGROUP also to its
    /// cgroup.procs.
    void join_self(bool also_unified) const;

    /// A value that is refused is tried again after the others (memory and memory+swap depend on
    /// each other).
    void apply(const std::vector<CgroupWrite>& writes) const;
    /// The present values of the files that `writes` is for, and how to give them back as far as that goes.
    std::vector<CgroupWrite> current(const std::vector<CgroupWrite>& writes) const;
    void restore(const std::vector<CgroupWrite>& values) const noexcept;
    /// Puts a container that was made without limits on processors into the cpuset controller.
    void add_cpuset(const CgroupHost& host);
    void freeze() const; ///< waits until frozen (bounded, 10 s, then thaws and throws)
    void thaw() const;
    bool is_frozen() const;
    /// SIGKILL to every member: cgroup.kill where there is a v2 tree, else signals until empty.
    /// Thaws v1-frozen ones.
    void kill_all() const;
    /// The v2 folder below ours that `member` is in, where ours takes no process because it gives controllers to those below it;
    /// empty otherwise.
    Fd open_group_of(pid_t member) const;
    /// A folder below the v2 one, made if missing; empty without a v2 tree, or where one cannot be made.
    Fd open_subgroup(const std::string& name) const;
    /// SIGKILL to all in it at once; false when the kernel cannot (before 5.14, no v2 tree).
    static bool kill_subgroup(const Fd& folder);
    std::vector<pid_t> pids() const;
    CgroupStats stats() const;
    /// rmdir in every hierarchy, children first; retries EBUSY while members die, up to `limit`.
    /// False when still busy.
    bool remove(std::chrono::milliseconds limit = std::chrono::seconds(5)) const;
    const std::string& path() const { return path_; }
    /// Where the hierarchies that it is in are mounted (v2: empty without such a tree). Its folder in
    /// each is the mount point followed by path().
    std::vector<std::string> v1_mounts() const;
    const std::string& unified_mount() const { return unified_mount_; }

private:
    std::string path_;
    struct Folder {
        std::string mount;
        Fd tasks;
    };
    /// Path of the folder that best answers "who is in it": the v2 one, else the first of v1.
    std::string members_folder() const;
    std::string v1_folder(std::string_view mount) const;

    std::vector<Folder> folders_; ///< v1
    Fd unified_;
    std::string unified_mount_;             ///< empty: no v2 folder
    std::map<std::string, std::string> v1_; ///< as in CgroupHost, for the statistics
};

/// Moves the calling single-threaded process out of its starter's cgroups into the shared
/// "/kist/monitors" (P16): a session's end, freezer or limit must not reach a monitor. Hierarchies
/// where it is in the root already are left as they are (nothing is limited there, and each move
/// costs 0.05 ms).
void join_monitor_cgroup(const CgroupHost& host);
/// The v2 folder "/kist/monitors" for clone3(CLONE_INTO_CGROUP): born there, a monitor is spared
/// the move by itself, which on v2 waits for an RCU grace period (0.1 to 5 ms). Empty without a v2
/// tree.
Fd monitor_cgroup(const CgroupHost& host);

} // namespace kist::oci
