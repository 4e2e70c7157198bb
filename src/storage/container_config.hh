// SPDX-License-Identifier: Apache-2.0
// containers/<id>/config.json: what was asked for, written once at create (and by rename, update), read by everything.
// Image defaults are merged in at create, so an image may change or go without changing the container.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.hh"
#include "netns/types.hh"
#include "oci/spec/runtime_spec.hh"
#include "storage/mount_config.hh"
#include "storage/network_choice.hh"
#include "storage/resource_config.hh"
#include "storage/supervision.hh"

namespace kist::storage {

/// "private", "host" or "container:<full id>" (also "ns:<path>" for network; "none" for network and ipc).
/// network "bridge": those of ContainerConfig::networks.
struct NamespaceModes {
    std::string network = "none", pid = "private", ipc = "private", uts = "private", cgroup = "private";
    /// "host", "private" (with the maps of the record), "auto", "container:<full id>" or "ns:<path>".
    std::string user = "host";
    bool operator==(const NamespaceModes&) const = default;
    static constexpr void fields(auto&& field) {
        field("network", &NamespaceModes::network);
        field("pid", &NamespaceModes::pid);
        field("ipc", &NamespaceModes::ipc);
        field("uts", &NamespaceModes::uts);
        field("cgroup", &NamespaceModes::cgroup);
        field("user", &NamespaceModes::user);
    }
};

struct SecurityConfig {
    bool privileged = false;
    std::vector<std::string> cap_add, cap_drop; ///< as given, normalised
    /// The final lists. Nothing: the defaults of this version on this host, which are long; most records do not hold them.
    std::optional<std::vector<std::string>> capabilities, masked_paths, readonly_paths;
    bool no_new_privileges = false;
    /// default, unconfined, or the profile file's path for inspect
    std::string seccomp = "default";
    std::string seccomp_profile; ///< text of a given profile (the file may change later)
    std::string apparmor;
    std::vector<std::string> label_opts;
    std::vector<std::string> options; ///< --security-opt as given, for inspect
    bool operator==(const SecurityConfig&) const = default;
    static constexpr void fields(auto&& field) {
        field("privileged", &SecurityConfig::privileged);
        field("cap_add", &SecurityConfig::cap_add);
        field("cap_drop", &SecurityConfig::cap_drop);
        field("capabilities", &SecurityConfig::capabilities);
        field("no_new_privileges", &SecurityConfig::no_new_privileges);
        field("seccomp", &SecurityConfig::seccomp);
        field("seccomp_profile", &SecurityConfig::seccomp_profile);
        field("apparmor", &SecurityConfig::apparmor);
        field("label_opts", &SecurityConfig::label_opts);
        field("masked_paths", &SecurityConfig::masked_paths);
        field("readonly_paths", &SecurityConfig::readonly_paths);
        field("options", &SecurityConfig::options);
    }
};

struct ContainerConfig {
    int schema = 1;
    std::string id;
    std::string name;
    std::int64_t created = 0;    ///< ns since 1970
    std::string image_id;        ///< "sha256:…"
    std::string image_name;      ///< as the user gave it
    std::string layer;           ///< chain id of the top layer ("sha256:…"); empty: no layers
    std::string rootfs;          ///< --rootfs: the folder of the host that is the root, instead of an image
    bool rootfs_overlay = false; ///< what is written goes into a layer of the container
    /// Of its overlay, as they were when it was made: "redirect_dir=on". What is in its upper layer is to be read with the same.
    std::vector<std::string> overlay_options;
    std::int64_t root_size = 0;     ///< bytes that it may write to its root; 0: no limit
    std::uint32_t root_project = 0; ///< of the file system's quota, with a limit

    std::vector<std::string> entrypoint, command, env;
    std::string working_dir;
    std::string user;
    std::vector<std::string> group_add;
    std::string hostname, domainname;
    bool tty = false;
    bool open_stdin = false;
    bool stdin_once = false;
    std::vector<std::string> attach; ///< stdin, stdout, stderr
    std::map<std::string, std::string> labels, annotations;
    std::string stop_signal = "SIGTERM";
    int stop_timeout = 10;
    std::optional<std::uint32_t> umask; ///< nothing: 0027
    std::vector<std::string> exposed_ports;

    std::vector<MountConfig> mounts;
    std::string volume_driver;             ///< --volume-driver as given: there is only "local"
    std::vector<std::string> volumes_from; ///< --volumes-from as given; what came of it is among the mounts
    bool read_only = false, read_only_tmpfs = true;
    std::int64_t shm_size = 64 << 20;
    NamespaceModes namespaces;
    std::vector<oci::IdMapping> uid_map, gid_map; ///< of the user namespace; a joined one's are its own
    std::vector<NetworkChoice> networks;
    std::vector<netns::PortMapping> ports;
    bool publish_all = false; ///< -P: exposed_ports too, on free ports of the host
    SecurityConfig security;
    ResourceConfig resources;
    std::vector<oci::Rlimit> ulimits;
    std::map<std::string, std::string> sysctls;
    std::vector<DeviceConfig> devices;
    std::vector<std::string> device_cgroup_rules;
    std::optional<int> oom_score_adj;
    std::vector<std::string> dns, dns_search, dns_options, extra_hosts;
    std::string cgroup_parent;
    bool init = false;
    bool auto_remove = false;
    RestartPolicy restart;
    NotifyMode sdnotify = NotifyMode::container;
    std::optional<HealthCheck> health;
    oci::Hooks hooks; ///< kist.json's, then its own
    std::string log_driver = "json-file";
    std::map<std::string, std::string> log_options;
    std::string cidfile;
    std::vector<std::string> create_command;
    bool operator==(const ContainerConfig&) const = default;
    static constexpr void fields(auto&& field) {
        using C = ContainerConfig;
        field("schema", &C::schema, required);
        field("id", &C::id, required);
        field("name", &C::name, required);
        field("created", &C::created, required);
        field("image_id", &C::image_id);
        field("image_name", &C::image_name);
        field("layer", &C::layer);
        field("rootfs", &C::rootfs);
        field("rootfs_overlay", &C::rootfs_overlay);
        field("overlay_options", &C::overlay_options);
        field("root_size", &C::root_size);
        field("root_project", &C::root_project);
        field("entrypoint", &C::entrypoint);
        field("command", &C::command);
        field("env", &C::env);
        field("working_dir", &C::working_dir);
        field("user", &C::user);
        field("group_add", &C::group_add);
        field("hostname", &C::hostname);
        field("domainname", &C::domainname);
        field("tty", &C::tty);
        field("open_stdin", &C::open_stdin);
        field("stdin_once", &C::stdin_once);
        field("attach", &C::attach);
        field("labels", &C::labels);
        field("annotations", &C::annotations);
        field("stop_signal", &C::stop_signal);
        field("stop_timeout", &C::stop_timeout);
        field("umask", &C::umask);
        field("exposed_ports", &C::exposed_ports);
        field("mounts", &C::mounts);
        field("volume_driver", &C::volume_driver);
        field("volumes_from", &C::volumes_from);
        field("read_only", &C::read_only);
        field("read_only_tmpfs", &C::read_only_tmpfs);
        field("shm_size", &C::shm_size);
        field("namespaces", &C::namespaces);
        field("uid_map", &C::uid_map);
        field("gid_map", &C::gid_map);
        field("networks", &C::networks);
        field("ports", &C::ports);
        field("publish_all", &C::publish_all);
        field("security", &C::security);
        field("resources", &C::resources);
        field("ulimits", &C::ulimits);
        field("sysctls", &C::sysctls);
        field("devices", &C::devices);
        field("device_cgroup_rules", &C::device_cgroup_rules);
        field("oom_score_adj", &C::oom_score_adj);
        field("dns", &C::dns);
        field("dns_search", &C::dns_search);
        field("dns_options", &C::dns_options);
        field("extra_hosts", &C::extra_hosts);
        field("cgroup_parent", &C::cgroup_parent);
        field("init", &C::init);
        field("auto_remove", &C::auto_remove);
        field("restart", &C::restart);
        field("sdnotify", &C::sdnotify);
        field("health", &C::health);
        field("hooks", &C::hooks);
        field("log_driver", &C::log_driver);
        field("log_options", &C::log_options);
        field("cidfile", &C::cidfile);
        field("create_command", &C::create_command);
    }
};

enum class Status { created, initialized, running, paused, stopping, restarting, exited, removing, dead };
constexpr auto names_of(Status) {
    using S = Status;
    return std::to_array<std::pair<Status, std::string_view>>({{S::created, "created"},
                                                               {S::initialized, "initialized"},
                                                               {S::running, "running"},
                                                               {S::paused, "paused"},
                                                               {S::stopping, "stopping"},
                                                               {S::restarting, "restarting"},
                                                               {S::exited, "exited"},
                                                               {S::removing, "removing"},
                                                               {S::dead, "dead"}});
}
/// Its program runs.
constexpr bool is_running(Status status) {
    return status == Status::running || status == Status::paused || status == Status::stopping;
}
/// A monitor is in charge of it: it has a process, which `container init` leaves waiting, or will have one again.
constexpr bool is_up(Status status) {
    return is_running(status) || status == Status::restarting || status == Status::initialized;
}

/// state.json in the run folder: what is true in this boot. Written by the monitor while it lives, else by the command
/// that holds the container's lock.
struct ContainerState {
    int schema = 1;
    std::string boot_id;
    Status status = Status::created;
    std::int32_t pid = 0;             ///< init, in the host's pid namespace; 0 when not running
    std::uint64_t pid_start_time = 0; ///< clock ticks since boot: names the process without reuse
    std::int32_t monitor_pid = 0;
    std::int64_t started_at = 0, finished_at = 0; ///< ns since 1970
    int exit_code = 0;
    bool oom_killed = false;
    bool held = false;             ///< paused, or about to be, for a command and not for the user
    std::string error;             ///< why it could not start, or could not be removed
    std::string hook;              ///< the one that runs now
    std::int64_t hook_since = 0;   ///< ns since 1970
    std::vector<HookRecord> hooks; ///< of the last start and end
    std::int64_t restart_count = 0;
    std::int64_t next_start_at = 0; ///< ns since 1970, while restarting
    std::int64_t restart_delay = 0; ///< ns, the one before the last restart: the next is twice as long
    bool stopped_by_user = false;   ///< not by itself, nor by the host's shutdown: unless-stopped leaves it so
    Health health = Health::none;
    bool remove_volumes = false; ///< the removal under way takes the anonymous volumes, too
    /// Written before any of it is made (SEEDS A243), so that whoever finds the container dead knows what to remove.
    netns::ContainerPlan network;
    bool operator==(const ContainerState&) const = default;
    static constexpr void fields(auto&& field) {
        using S = ContainerState;
        field("schema", &S::schema, required);
        field("boot_id", &S::boot_id, required);
        field("status", &S::status, required);
        field("pid", &S::pid);
        field("pid_start_time", &S::pid_start_time);
        field("monitor_pid", &S::monitor_pid);
        field("started_at", &S::started_at);
        field("finished_at", &S::finished_at);
        field("exit_code", &S::exit_code);
        field("oom_killed", &S::oom_killed);
        field("held", &S::held);
        field("error", &S::error);
        field("hook", &S::hook);
        field("hook_since", &S::hook_since);
        field("hooks", &S::hooks);
        field("restart_count", &S::restart_count);
        field("next_start_at", &S::next_start_at);
        field("restart_delay", &S::restart_delay);
        field("stopped_by_user", &S::stopped_by_user);
        field("health", &S::health);
        field("remove_volumes", &S::remove_volumes);
        field("network", &S::network);
    }
};

/// exit.json in the data folder, durable: how the last run ended. Has the same fields as the state (status exited or dead).
using ExitRecord = ContainerState;

/// The text of the files, with a checksum (record.hh). Parsing throws Error that names `where` and what is wrong.
std::string dump_config(const ContainerConfig&);
ContainerConfig parse_config(std::string_view text, std::string_view where);
/// Into a fresh one: a config is large, and ps reads many.
void read_config(std::string_view text, std::string_view where, ContainerConfig& to);
std::string dump_state(const ContainerState&);
ContainerState parse_state(std::string_view text, std::string_view where);
/// Every member, for `inspect` and templates.
Value config_value(const ContainerConfig&);

} // namespace kist::storage
