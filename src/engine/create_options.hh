// SPDX-License-Identifier: Apache-2.0
// The options of create and run as the user wrote them. The command line binds its option table to these members;
// create.cc interprets and checks them against the image and the host.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/pull.hh"

namespace kist::engine {

/// --health-… of create, run and update. Nothing: not given.
struct HealthOptions {
    std::optional<std::string> health_cmd, health_interval, health_timeout, health_start_period, health_start_interval,
        health_on_failure;
    std::optional<std::int64_t> health_retries, health_max_log_count, health_max_log_size;
    std::optional<bool> health_exit_on_unhealthy;
    bool no_healthcheck = false;
    std::optional<std::string> health_startup_cmd, health_startup_interval, health_startup_timeout;
    std::optional<std::int64_t> health_startup_retries, health_startup_success;
    bool operator==(const HealthOptions&) const = default;
};

/// Limits that create, run and update take. Empty: not given.
struct LimitOptions {
    std::string memory, memory_reservation, memory_swap, cpus, cpuset_cpus, cpuset_mems;
    std::optional<std::int64_t> cpu_shares, cpu_period, cpu_quota, pids_limit;
    bool operator==(const LimitOptions&) const = default;
};

struct CreateOptions : PullOptions, HealthOptions, LimitOptions {
    std::string image;
    std::vector<std::string> command; ///< operands after the image

    // identity
    std::string name, hostname, domainname, cidfile, pull = "missing";
    bool rootfs = false; ///< `image` is the folder of a root file system
    bool replace = false, quiet = false;
    std::vector<std::string> labels, label_files, annotations;
    // process
    std::optional<std::string> entrypoint; ///< "" clears the image's
    std::vector<std::string> env, env_files;
    std::string workdir, user, stop_signal;
    std::vector<std::string> group_add;
    std::optional<int> stop_timeout;
    std::string restart, sdnotify;
    bool interactive = false, tty = false, rm = false, init = false;
    bool detach = false; ///< run -d: without it (and without --attach) the container is made to be attached to
    std::vector<std::string> attach;
    std::string umask;
    std::vector<std::string> exec_opts;
    // file system
    std::vector<std::string> volumes, mounts, tmpfs, volumes_from, storage_opts, devices, device_cgroup_rules;
    std::string image_volume, volume_driver;
    bool read_only = false;
    std::optional<bool> read_only_tmpfs;
    std::string shm_size;
    // namespaces
    std::vector<std::string> networks;
    std::string pid, ipc, uts, cgroupns;
    std::string userns, subuidname, subgidname;
    std::vector<std::string> uidmaps, gidmaps;
    std::vector<std::string> dns, dns_search, dns_options, add_hosts, expose, publish, network_aliases, links;
    std::string ip, ip6, mac_address;
    bool publish_all = false;
    // security
    std::vector<std::string> cap_add, cap_drop, security_opts;
    bool privileged = false;
    // resources
    std::string cgroup_parent;
    std::optional<int> oom_score_adj;
    bool oom_kill_disable = false;
    std::vector<std::string> ulimits, sysctls;
    std::vector<std::string> hook_specs;
    // log
    std::string log_driver;
    std::vector<std::string> log_opts;

    std::vector<std::string> argv; ///< the whole command line, kept for inspect
};

} // namespace kist::engine
