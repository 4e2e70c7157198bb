// SPDX-License-Identifier: Apache-2.0
// config.json of the OCI runtime specification 1.2, Linux part: data only, no system call.
// https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config.md and config-linux.md. Names are the specification's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.hh"
#include "oci/spec/hooks.hh"

namespace kist::oci {

struct Box {
    std::uint32_t height = 0;
    std::uint32_t width = 0;
    bool operator==(const Box&) const = default;
    static constexpr void fields(auto&& field) {
        field("height", &Box::height);
        field("width", &Box::width);
    }
};

struct User {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::optional<std::uint32_t> umask;
    std::vector<std::uint32_t> additional_gids;
    bool operator==(const User&) const = default;
    static constexpr void fields(auto&& field) {
        field("uid", &User::uid);
        field("gid", &User::gid);
        field("umask", &User::umask);
        field("additionalGids", &User::additional_gids);
    }
};

/// Names as "CAP_CHOWN".
struct Capabilities {
    std::vector<std::string> bounding, effective, inheritable, permitted, ambient;
    bool operator==(const Capabilities&) const = default;
    static constexpr void fields(auto&& field) {
        field("bounding", &Capabilities::bounding);
        field("effective", &Capabilities::effective);
        field("inheritable", &Capabilities::inheritable);
        field("permitted", &Capabilities::permitted);
        field("ambient", &Capabilities::ambient);
    }
};

/// type as "RLIMIT_NOFILE".
struct Rlimit {
    std::string type;
    std::uint64_t hard = 0;
    std::uint64_t soft = 0;
    bool operator==(const Rlimit&) const = default;
    static constexpr void fields(auto&& field) {
        field("type", &Rlimit::type, required);
        field("hard", &Rlimit::hard, required);
        field("soft", &Rlimit::soft, required);
    }
};

/// klass: IOPRIO_CLASS_RT, IOPRIO_CLASS_BE or IOPRIO_CLASS_IDLE.
struct IoPriority {
    std::string klass;
    int priority = 0;
    bool operator==(const IoPriority&) const = default;
    static constexpr void fields(auto&& field) {
        field("class", &IoPriority::klass, required);
        field("priority", &IoPriority::priority);
    }
};

/// policy as "SCHED_BATCH"; times in nanoseconds.
struct Scheduler {
    std::string policy;
    std::int32_t nice = 0;
    std::int32_t priority = 0;
    std::vector<std::string> flags;
    std::uint64_t runtime = 0, deadline = 0, period = 0;
    bool operator==(const Scheduler&) const = default;
    static constexpr void fields(auto&& field) {
        field("policy", &Scheduler::policy, required);
        field("nice", &Scheduler::nice);
        field("priority", &Scheduler::priority);
        field("flags", &Scheduler::flags);
        field("runtime", &Scheduler::runtime);
        field("deadline", &Scheduler::deadline);
        field("period", &Scheduler::period);
    }
};

/// Processors as "0-3,7", before and after a process that enters a container is in its control group.
struct CpuAffinity {
    std::string initial, final;
    bool operator==(const CpuAffinity&) const = default;
    static constexpr void fields(auto&& field) {
        field("initial", &CpuAffinity::initial);
        field("final", &CpuAffinity::final);
    }
};

struct Process {
    bool terminal = false;
    std::optional<Box> console_size;
    User user;
    std::vector<std::string> args;
    std::vector<std::string> env;
    std::string cwd = "/";
    std::optional<Capabilities> capabilities;
    std::vector<Rlimit> rlimits;
    bool no_new_privileges = false;
    std::string apparmor_profile;
    std::optional<int> oom_score_adj;
    std::string selinux_label;
    std::optional<IoPriority> io_priority;
    std::optional<Scheduler> scheduler;
    std::optional<CpuAffinity> exec_cpu_affinity;
    bool operator==(const Process&) const = default;
    static constexpr void fields(auto&& field) {
        field("terminal", &Process::terminal);
        field("consoleSize", &Process::console_size);
        field("user", &Process::user, required);
        field("args", &Process::args);
        field("env", &Process::env);
        field("cwd", &Process::cwd, required);
        field("capabilities", &Process::capabilities);
        field("rlimits", &Process::rlimits);
        field("noNewPrivileges", &Process::no_new_privileges);
        field("apparmorProfile", &Process::apparmor_profile);
        field("oomScoreAdj", &Process::oom_score_adj);
        field("selinuxLabel", &Process::selinux_label);
        field("ioPriority", &Process::io_priority);
        field("scheduler", &Process::scheduler);
        field("execCPUAffinity", &Process::exec_cpu_affinity);
    }
};

struct Root {
    std::string path;
    bool readonly = false;
    bool operator==(const Root&) const = default;
    static constexpr void fields(auto&& field) {
        field("path", &Root::path, required);
        field("readonly", &Root::readonly);
    }
};

struct IdMapping {
    std::uint32_t container_id = 0;
    std::uint32_t host_id = 0;
    std::uint32_t size = 0;
    bool operator==(const IdMapping&) const = default;
    static constexpr void fields(auto&& field) {
        field("containerID", &IdMapping::container_id);
        field("hostID", &IdMapping::host_id);
        field("size", &IdMapping::size);
    }
};

struct Mount {
    std::string destination;
    std::string type;
    std::string source;
    std::vector<std::string> options;
    /// How the ids of the source's files are seen; both or none.
    std::vector<IdMapping> uid_mappings = {}, gid_mappings = {};
    bool operator==(const Mount&) const = default;
    static constexpr void fields(auto&& field) {
        field("destination", &Mount::destination, required);
        field("type", &Mount::type);
        field("source", &Mount::source);
        field("options", &Mount::options);
        field("uidMappings", &Mount::uid_mappings);
        field("gidMappings", &Mount::gid_mappings);
    }
};

enum class NamespaceType { mount, pid, network, ipc, uts, user, cgroup, time };
constexpr auto names_of(NamespaceType) {
    using N = NamespaceType;
    return std::to_array<std::pair<N, std::string_view>>({{N::mount, "mount"}, {N::pid, "pid"}, {N::network, "network"},
        {N::ipc, "ipc"}, {N::uts, "uts"}, {N::user, "user"}, {N::cgroup, "cgroup"}, {N::time, "time"}});
}
/// An empty path makes a new one; absence of the whole entry keeps the runtime's.
struct Namespace {
    NamespaceType type = NamespaceType::mount;
    std::string path;
    bool operator==(const Namespace&) const = default;
    static constexpr void fields(auto&& field) {
        field("type", &Namespace::type, required);
        field("path", &Namespace::path);
    }
};

/// type: c, u, b or p.
struct Device {
    std::string type;
    std::string path;
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::optional<std::uint32_t> file_mode;
    std::optional<std::uint32_t> uid;
    std::optional<std::uint32_t> gid;
    bool operator==(const Device&) const = default;
    static constexpr void fields(auto&& field) {
        field("type", &Device::type, required);
        field("path", &Device::path, required);
        field("major", &Device::major);
        field("minor", &Device::minor);
        field("fileMode", &Device::file_mode);
        field("uid", &Device::uid);
        field("gid", &Device::gid);
    }
};

/// Absent major or minor means any.
struct DeviceRule {
    bool allow = false;
    std::string type;
    std::optional<std::int64_t> major;
    std::optional<std::int64_t> minor;
    std::string access;
    bool operator==(const DeviceRule&) const = default;
    static constexpr void fields(auto&& field) {
        field("allow", &DeviceRule::allow, required);
        field("type", &DeviceRule::type);
        field("major", &DeviceRule::major);
        field("minor", &DeviceRule::minor);
        field("access", &DeviceRule::access);
    }
};

struct MemoryLimits {
    std::optional<std::int64_t> limit, reservation, swap;
    std::optional<std::uint64_t> swappiness;
    std::optional<bool> disable_oom_killer;
    std::optional<std::int64_t> kernel_tcp;
    std::optional<bool> check_before_update;
    bool operator==(const MemoryLimits&) const = default;
    static constexpr void fields(auto&& field) {
        field("limit", &MemoryLimits::limit);
        field("reservation", &MemoryLimits::reservation);
        field("swap", &MemoryLimits::swap);
        field("swappiness", &MemoryLimits::swappiness);
        field("disableOOMKiller", &MemoryLimits::disable_oom_killer);
        field("kernelTCP", &MemoryLimits::kernel_tcp);
        field("checkBeforeUpdate", &MemoryLimits::check_before_update);
    }
};

struct CpuLimits {
    std::optional<std::uint64_t> shares;
    std::optional<std::int64_t> quota;
    std::optional<std::uint64_t> period;
    std::optional<std::uint64_t> burst;
    std::optional<std::int64_t> realtime_runtime;
    std::optional<std::uint64_t> realtime_period;
    std::optional<std::int64_t> idle;
    std::string cpus;
    std::string mems;
    bool operator==(const CpuLimits&) const = default;
    static constexpr void fields(auto&& field) {
        field("shares", &CpuLimits::shares);
        field("quota", &CpuLimits::quota);
        field("period", &CpuLimits::period);
        field("burst", &CpuLimits::burst);
        field("realtimeRuntime", &CpuLimits::realtime_runtime);
        field("realtimePeriod", &CpuLimits::realtime_period);
        field("idle", &CpuLimits::idle);
        field("cpus", &CpuLimits::cpus);
        field("mems", &CpuLimits::mems);
    }
};

struct PidsLimits {
    std::int64_t limit = 0;
    bool operator==(const PidsLimits&) const = default;
    static constexpr void fields(auto&& field) { field("limit", &PidsLimits::limit); }
};

struct BlockWeight {
    std::int64_t major = 0, minor = 0;
    std::optional<std::uint16_t> weight, leaf_weight;
    bool operator==(const BlockWeight&) const = default;
    static constexpr void fields(auto&& field) {
        field("major", &BlockWeight::major, required);
        field("minor", &BlockWeight::minor, required);
        field("weight", &BlockWeight::weight);
        field("leafWeight", &BlockWeight::leaf_weight);
    }
};
/// Bytes or operations a second.
struct BlockRate {
    std::int64_t major = 0, minor = 0;
    std::uint64_t rate = 0;
    bool operator==(const BlockRate&) const = default;
    static constexpr void fields(auto&& field) {
        field("major", &BlockRate::major, required);
        field("minor", &BlockRate::minor, required);
        field("rate", &BlockRate::rate, required);
    }
};
struct BlockIo {
    std::optional<std::uint16_t> weight, leaf_weight;
    std::vector<BlockWeight> weight_device;
    std::vector<BlockRate> read_bps, write_bps, read_iops, write_iops;
    bool operator==(const BlockIo&) const = default;
    static constexpr void fields(auto&& field) {
        field("weight", &BlockIo::weight);
        field("leafWeight", &BlockIo::leaf_weight);
        field("weightDevice", &BlockIo::weight_device);
        field("throttleReadBpsDevice", &BlockIo::read_bps);
        field("throttleWriteBpsDevice", &BlockIo::write_bps);
        field("throttleReadIOPSDevice", &BlockIo::read_iops);
        field("throttleWriteIOPSDevice", &BlockIo::write_iops);
    }
};

/// page_size as "2MB".
struct HugepageLimit {
    std::string page_size;
    std::uint64_t limit = 0;
    bool operator==(const HugepageLimit&) const = default;
    static constexpr void fields(auto&& field) {
        field("pageSize", &HugepageLimit::page_size, required);
        field("limit", &HugepageLimit::limit, required);
    }
};

struct RdmaLimit {
    std::optional<std::uint32_t> handles, objects;
    bool operator==(const RdmaLimit&) const = default;
    static constexpr void fields(auto&& field) {
        field("hcaHandles", &RdmaLimit::handles);
        field("hcaObjects", &RdmaLimit::objects);
    }
};

struct InterfacePriority {
    std::string name;
    std::uint32_t priority = 0;
    bool operator==(const InterfacePriority&) const = default;
    static constexpr void fields(auto&& field) {
        field("name", &InterfacePriority::name, required);
        field("priority", &InterfacePriority::priority, required);
    }
};
struct NetworkLimits {
    std::optional<std::uint32_t> class_id;
    std::vector<InterfacePriority> priorities;
    bool operator==(const NetworkLimits&) const = default;
    static constexpr void fields(auto&& field) {
        field("classID", &NetworkLimits::class_id);
        field("priorities", &NetworkLimits::priorities);
    }
};

struct Resources {
    std::vector<DeviceRule> devices;
    std::optional<MemoryLimits> memory;
    std::optional<CpuLimits> cpu;
    std::optional<PidsLimits> pids;
    std::optional<BlockIo> block_io;
    std::vector<HugepageLimit> hugepage_limits;
    std::map<std::string, RdmaLimit> rdma;
    std::optional<NetworkLimits> network;
    /// cgroup v2 files and values, written as given.
    std::map<std::string, std::string> unified;
    bool operator==(const Resources&) const = default;
    static constexpr void fields(auto&& field) {
        field("devices", &Resources::devices);
        field("memory", &Resources::memory);
        field("cpu", &Resources::cpu);
        field("pids", &Resources::pids);
        field("blockIO", &Resources::block_io);
        field("hugepageLimits", &Resources::hugepage_limits);
        field("rdma", &Resources::rdma);
        field("network", &Resources::network);
        field("unified", &Resources::unified);
    }
};

struct SyscallArg {
    std::uint32_t index = 0;
    std::uint64_t value = 0;
    std::uint64_t value_two = 0;
    std::string op;
    bool operator==(const SyscallArg&) const = default;
    static constexpr void fields(auto&& field) {
        field("index", &SyscallArg::index, required);
        field("value", &SyscallArg::value, required);
        field("valueTwo", &SyscallArg::value_two);
        field("op", &SyscallArg::op, required);
    }
};

struct SyscallRule {
    std::vector<std::string> names;
    std::string action;
    std::optional<std::uint32_t> errno_ret;
    std::vector<SyscallArg> args;
    bool operator==(const SyscallRule&) const = default;
    static constexpr void fields(auto&& field) {
        field("names", &SyscallRule::names, required);
        field("action", &SyscallRule::action, required);
        field("errnoRet", &SyscallRule::errno_ret);
        field("args", &SyscallRule::args);
    }
};

/// A runtime profile: Docker's conditions (includes, excludes) are resolved before it gets here.
struct Seccomp {
    std::string default_action;
    std::optional<std::uint32_t> default_errno_ret;
    std::vector<std::string> architectures;
    std::vector<std::string> flags;
    /// A listening socket that gets the notifications of SCMP_ACT_NOTIFY, and what it is told with them.
    std::string listener_path, listener_metadata;
    std::vector<SyscallRule> syscalls;
    bool operator==(const Seccomp&) const = default;
    static constexpr void fields(auto&& field) {
        field("defaultAction", &Seccomp::default_action, required);
        field("defaultErrnoRet", &Seccomp::default_errno_ret);
        field("architectures", &Seccomp::architectures);
        field("flags", &Seccomp::flags);
        field("listenerPath", &Seccomp::listener_path);
        field("listenerMetadata", &Seccomp::listener_metadata);
        field("syscalls", &Seccomp::syscalls);
    }
};

/// Added to the clocks of a new time namespace.
struct TimeOffset {
    std::int64_t secs = 0;
    std::uint32_t nanosecs = 0;
    bool operator==(const TimeOffset&) const = default;
    static constexpr void fields(auto&& field) {
        field("secs", &TimeOffset::secs);
        field("nanosecs", &TimeOffset::nanosecs);
    }
};

/// domain: LINUX or LINUX32.
struct Personality {
    std::string domain;
    std::vector<std::string> flags;
    bool operator==(const Personality&) const = default;
    static constexpr void fields(auto&& field) {
        field("domain", &Personality::domain, required);
        field("flags", &Personality::flags);
    }
};

struct Linux {
    std::vector<Namespace> namespaces;
    std::vector<IdMapping> uid_mappings, gid_mappings;
    std::vector<Device> devices;
    /// Below every hierarchy's mount point, as "/kist/<id>".
    std::string cgroups_path;
    Resources resources;
    std::optional<Seccomp> seccomp;
    std::string rootfs_propagation;
    std::vector<std::string> masked_paths, readonly_paths;
    std::map<std::string, std::string> sysctl;
    std::string mount_label;
    std::map<std::string, TimeOffset> time_offsets; ///< "monotonic", "boottime"
    std::optional<Personality> personality;
    bool operator==(const Linux&) const = default;
    static constexpr void fields(auto&& field) {
        field("namespaces", &Linux::namespaces);
        field("uidMappings", &Linux::uid_mappings);
        field("gidMappings", &Linux::gid_mappings);
        field("devices", &Linux::devices);
        field("cgroupsPath", &Linux::cgroups_path);
        field("resources", &Linux::resources);
        field("seccomp", &Linux::seccomp);
        field("rootfsPropagation", &Linux::rootfs_propagation);
        field("maskedPaths", &Linux::masked_paths);
        field("readonlyPaths", &Linux::readonly_paths);
        field("sysctl", &Linux::sysctl);
        field("mountLabel", &Linux::mount_label);
        field("timeOffsets", &Linux::time_offsets);
        field("personality", &Linux::personality);
    }
};

struct Spec {
    std::string oci_version = "1.2.0";
    std::optional<Process> process;
    std::optional<Root> root;
    std::string hostname;
    std::string domainname;
    std::vector<Mount> mounts;
    Hooks hooks;
    std::map<std::string, std::string> annotations;
    Linux linux_;
    bool operator==(const Spec&) const = default;
    static constexpr void fields(auto&& field) {
        field("ociVersion", &Spec::oci_version, required);
        field("process", &Spec::process);
        field("root", &Spec::root);
        field("hostname", &Spec::hostname);
        field("domainname", &Spec::domainname);
        field("mounts", &Spec::mounts);
        field("hooks", &Spec::hooks);
        field("annotations", &Spec::annotations);
        field("linux", &Spec::linux_);
    }
};

} // namespace kist::oci
