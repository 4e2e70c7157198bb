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
#include "oci/spec/resources.hh"
#include "oci/spec/seccomp.hh"

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
    return std::to_array<std::pair<N, std::string_view>>({{N::mount, "mount"},
                                                          {N::pid, "pid"},
                                                          {N::network, "network"},
                                                          {N::ipc, "ipc"},
                                                          {N::uts, "uts"},
                                                          {N::user, "user"},
                                                          {N::cgroup, "cgroup"},
                                                          {N::time, "time"}});
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
