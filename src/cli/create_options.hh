// SPDX-License-Identifier: Apache-2.0
// The options that run and create share. Texts of help only; the engine interprets the values.
#pragma once

#include "cli/command.hh"
#include "cli/registry_options.hh"
#include "engine/create_options.hh"

namespace kist::cli {

/// T derives from engine::HealthOptions.
template <typename T>
constexpr auto health_options() {
    return std::to_array<Option<T>>({
        {{"health-cmd", "COMMAND", "Check its health: a line for the shell, or a JSON list; none: not at all"},
         &T::health_cmd},
        {{"health-exit-on-unhealthy", "", "Kill it when it becomes unhealthy"}, &T::health_exit_on_unhealthy},
        {{"health-interval", "TIME", "From one check to the next (default 30s); disable: only on request"},
         &T::health_interval},
        {{"health-max-log-count", "NUMBER", "How many results are kept (default 5)"}, &T::health_max_log_count},
        {{"health-max-log-size", "BYTES", "How much of a check's output is kept (default 4096)"},
         &T::health_max_log_size},
        {{"health-on-failure", "ACTION", "When it becomes unhealthy: none, kill, restart or stop", Completes::words,
          "none|kill|restart|stop"},
         &T::health_on_failure},
        {{"health-retries", "NUMBER", "Failures in a row that make it unhealthy (default 3)"}, &T::health_retries},
        {{"health-start-interval", "TIME", "Between checks in the start period (default 5s)"},
         &T::health_start_interval},
        {{"health-start-period", "TIME", "How long after the start failures do not count (default 0s)"},
         &T::health_start_period},
        {{"health-startup-cmd", "COMMAND", "Check that has to succeed before the others begin"},
         &T::health_startup_cmd},
        {{"health-startup-interval", "TIME", "From one startup check to the next (default 30s)"},
         &T::health_startup_interval},
        {{"health-startup-retries", "NUMBER", "Failed startup checks that restart it (default 0: never)"},
         &T::health_startup_retries},
        {{"health-startup-success", "NUMBER", "Successes in a row that end the startup (default 1)"},
         &T::health_startup_success},
        {{"health-startup-timeout", "TIME", "How long a startup check may take (default 30s)"},
         &T::health_startup_timeout},
        {{"health-timeout", "TIME", "How long a check may take (default 30s)"}, &T::health_timeout},
        {{"no-healthcheck", "", "Do not check its health, whatever the image says"}, &T::no_healthcheck},
    });
}

/// T derives from engine::CreateOptions.
template <typename T>
constexpr auto process_options() {
    return std::to_array<Option<T>>({
        {{"a,attach", "STREAM", "Attach to stdin, stdout or stderr (repeatable)", Completes::words,
          "stdin|stdout|stderr"},
         &T::attach},
        {{"entrypoint", "COMMAND", "Instead of the image's entry point"}, &T::entrypoint},
        {{"e,env", "NAME[=VALUE]", "Set an environment variable (repeatable)"}, &T::env},
        {{"env-file", "FILE", "Read environment variables from FILE (repeatable)", Completes::file}, &T::env_files},
        {{"exec-opt", "KEY=VALUE", "native.umask=normal (0022) or secure (0027) (repeatable)"}, &T::exec_opts},
        {{"group-add", "GROUP", "A further group for the process (repeatable)"}, &T::group_add},
        {{"init", "", "Run an init that forwards signals and reaps processes"}, &T::init},
        {{"i,interactive", "", "Keep stdin open"}, &T::interactive},
        {{"restart", "POLICY", "When to start it again: no, on-failure[:N], always, unless-stopped", Completes::words,
          "no|on-failure|always|unless-stopped"},
         &T::restart},
        {{"sdnotify", "MODE", "Who tells the service manager that it is ready: container, conmon, healthy, ignore",
          Completes::words, "container|conmon|healthy|ignore"},
         &T::sdnotify},
        {{"stop-signal", "SIGNAL", "What stop sends first", Completes::signal}, &T::stop_signal},
        {{"stop-timeout", "SECONDS", "How long stop waits before it kills; -1: for ever"}, &T::stop_timeout},
        {{"t,tty", "", "Give the process a terminal"}, &T::tty},
        {{"umask", "OCTAL", "File mode mask of the process (default 0027)"}, &T::umask},
        {{"u,user", "USER[:GROUP]", "Run as this user (name or number)"}, &T::user},
        {{"w,workdir", "FOLDER", "Working folder in the container"}, &T::workdir},
    });
}

template <typename T>
constexpr auto identity_options() {
    return std::to_array<Option<T>>({
        {{"annotation", "KEY=VALUE", "Add an OCI annotation (repeatable)"}, &T::annotations},
        {{"cidfile", "FILE", "Write the container's ID to FILE, which must not exist", Completes::file}, &T::cidfile},
        {{"domainname", "NAME", "NIS domain name in the container"}, &T::domainname},
        {{"h,hostname", "NAME", "Host name in the container (default: its short ID)"}, &T::hostname},
        {{"l,label", "KEY[=VALUE]", "Add a label (repeatable)"}, &T::labels},
        {{"label-file", "FILE", "Read labels from FILE (repeatable)", Completes::file}, &T::label_files},
        {{"name", "NAME", "Name of the container"}, &T::name},
        {{"pull", "POLICY", "When to fetch the image: missing (default), always, never or newer", Completes::words,
          "missing|always|never|newer"},
         &T::pull},
        {{"q,quiet", "", "Do not show the progress of fetching"}, &T::quiet},
        {{"replace", "", "Remove a container that has the name already"}, &T::replace},
        {{"rm", "", "Remove the container when it has exited"}, &T::rm},
        {{"rootfs", "", "IMAGE is a folder with a root file system, FOLDER:O leaves it as it is"}, &T::rootfs},
    });
}

template <typename T>
constexpr auto filesystem_options() {
    return std::to_array<Option<T>>({
        {{"device", "HOST[:CONTAINER[:rwm]]", "Give access to a device of the host (repeatable)", Completes::file},
         &T::devices},
        {{"device-cgroup-rule", "RULE", "Allow devices by rule, as 'c 42:* rmw' (repeatable)"},
         &T::device_cgroup_rules},
        {{"image-volume", "HOW", "What becomes of the image's VOLUMEs: anonymous, tmpfs or ignore", Completes::words,
          "anonymous|tmpfs|ignore"},
         &T::image_volume},
        {{"mount", "OPTIONS", "Mount as type=volume|bind|image|…,source=…,target=… (repeatable)"}, &T::mounts},
        {{"read-only", "", "The container's root filesystem cannot be written"}, &T::read_only},
        {{"read-only-tmpfs", "", "With --read-only: tmpfs on /tmp, /run, /var/tmp (default true)"},
         &T::read_only_tmpfs},
        {{"shm-size", "SIZE", "Size of /dev/shm (default 64m)"}, &T::shm_size},
        {{"storage-opt", "size=SIZE", "Limit what the container may write to its root (repeatable)"}, &T::storage_opts},
        {{"tmpfs", "FOLDER[:OPTIONS]", "Mount a tmpfs (repeatable)"}, &T::tmpfs},
        {{"v,volume", "[SOURCE:]FOLDER[:OPTIONS]", "Mount a volume, or a file or folder of the host (repeatable)",
          Completes::folder},
         &T::volumes},
        {{"volume-driver", "NAME", "Driver of the volumes that are made: local", Completes::words, "local"},
         &T::volume_driver},
        {{"volumes-from", "CONTAINER[:OPTIONS]", "Mount what another container mounts (repeatable)",
          Completes::container},
         &T::volumes_from},
    });
}

template <typename T>
constexpr auto namespace_options() {
    return std::to_array<Option<T>>({
        {{"add-host", "NAME:IP", "Add a line to /etc/hosts (repeatable)"}, &T::add_hosts},
        {{"cgroupns", "MODE", "Control group namespace: private or host", Completes::words, "private|host"},
         &T::cgroupns},
        {{"dns", "IP", "Name server (repeatable)"}, &T::dns},
        {{"dns-option,dns-opt", "OPTION", "Line 'options' of resolv.conf (repeatable)"}, &T::dns_options},
        {{"dns-search", "DOMAIN", "Search domain (repeatable)"}, &T::dns_search},
        {{"expose", "PORT[/PROTOCOL]", "Note a port that the container listens on (repeatable)"}, &T::expose},
        {{"ipc", "MODE", "IPC namespace: private, shareable, none, host, container:NAME"}, &T::ipc},
        {{"ip", "ADDRESS", "IPv4 address in the network"}, &T::ip},
        {{"ip6", "ADDRESS", "IPv6 address in the network"}, &T::ip6},
        {{"link", "CONTAINER[:NAME]", "Find CONTAINER by NAME in its networks (repeatable)"}, &T::links},
        {{"mac-address", "ADDRESS", "Hardware address in the network"}, &T::mac_address},
        {{"network,net", "NETWORK", "A network's name, none, host or container:NAME (repeatable)", Completes::network},
         &T::networks},
        {{"network-alias,net-alias", "NAME", "A further name in its networks (repeatable)"}, &T::network_aliases},
        {{"p,publish", "[[IP:]HOST:]PORT", "Publish a port or a range on the host (repeatable)"}, &T::publish},
        {{"P,publish-all", "", "Publish all exposed ports on free ports of the host"}, &T::publish_all},
        {{"pid", "MODE", "PID namespace: private, host, container:NAME"}, &T::pid},
        {{"gidmap", "CONTAINER:HOST:SIZE", "Groups of a user namespace (repeatable; default: as --uidmap)"},
         &T::gidmaps},
        {{"subgidname", "NAME", "Groups of a user namespace: those of this user in /etc/subgid"}, &T::subgidname},
        {{"subuidname", "NAME", "Users of a user namespace: those of this user in /etc/subuid"}, &T::subuidname},
        {{"uidmap", "CONTAINER:HOST:SIZE", "Users of a user namespace (repeatable; default: as --gidmap)"},
         &T::uidmaps},
        {{"userns", "MODE", "User namespace: host, auto[:size=N], container:NAME, ns:PATH"}, &T::userns},
        {{"uts", "MODE", "UTS namespace: private, host, container:NAME"}, &T::uts},
    });
}

template <typename T>
constexpr auto security_options() {
    return std::to_array<Option<T>>({
        {{"cap-add", "CAPABILITY", "Add a capability, or ALL (repeatable)"}, &T::cap_add},
        {{"cap-drop", "CAPABILITY", "Drop a capability, or ALL (repeatable)"}, &T::cap_drop},
        {{"privileged", "", "All capabilities and devices, no confinement"}, &T::privileged},
        {{"security-opt", "OPTION", "seccomp=…, no-new-privileges, apparmor=…, label=…, mask=…, unmask=… (repeatable)"},
         &T::security_opts},
        {{"sysctl", "NAME=VALUE", "Set a kernel parameter of the container's namespaces (repeatable)"}, &T::sysctls},
        {{"ulimit", "NAME=SOFT[:HARD]", "Set a resource limit (repeatable)"}, &T::ulimits},
    });
}

/// T derives from engine::LimitOptions.
template <typename T>
constexpr auto limit_options() {
    return std::to_array<Option<T>>({
        {{"cpu-period", "MICROSECONDS", "Period of the CPU quota"}, &T::cpu_period},
        {{"cpu-quota", "MICROSECONDS", "CPU time in each period"}, &T::cpu_quota},
        {{"c,cpu-shares", "WEIGHT", "Share of CPU time relative to others"}, &T::cpu_shares},
        {{"cpus", "NUMBER", "How many CPUs, as 1.5"}, &T::cpus},
        {{"cpuset-cpus", "LIST", "CPUs to run on, as 0-3,6"}, &T::cpuset_cpus},
        {{"cpuset-mems", "LIST", "Memory nodes to use, as 0-1"}, &T::cpuset_mems},
        {{"m,memory", "SIZE", "Memory limit, as 512m"}, &T::memory},
        {{"memory-reservation", "SIZE", "Soft memory limit"}, &T::memory_reservation},
        {{"memory-swap", "SIZE", "Memory and swap together; -1: unlimited swap"}, &T::memory_swap},
        {{"pids-limit", "NUMBER", "How many processes (default 2048); -1: no limit"}, &T::pids_limit},
    });
}

template <typename T>
constexpr auto resource_options() {
    return std::to_array<Option<T>>({
        {{"cgroup-parent", "PATH", "Control group above the container's"}, &T::cgroup_parent},
        {{"hook-spec", "FILE", "Programs of the host to run at its start and end (absolute path; repeatable)",
          Completes::file},
         &T::hook_specs},
        {{"log-driver", "NAME", "Where output goes: json-file, k8s-file, local, journald, syslog, passthrough or none",
          Completes::words, "json-file|k8s-file|local|journald|syslog|passthrough|none"},
         &T::log_driver},
        {{"log-opt", "KEY=VALUE", "max-size, max-file, max-age, compress, mode, labels, env, tag, ... (repeatable)"},
         &T::log_opts},
        {{"oom-kill-disable", "", "Do not kill when memory is short"}, &T::oom_kill_disable},
        {{"oom-score-adj", "NUMBER", "-1000 to 1000: whom the kernel kills first"}, &T::oom_score_adj},
    });
}

template <typename T>
constexpr auto create_options() {
    return concat(process_options<T>(), health_options<T>(), identity_options<T>(), registry_options<T>(),
                  platform_options<T>(), filesystem_options<T>(), namespace_options<T>(), security_options<T>(),
                  limit_options<T>(), resource_options<T>());
}

} // namespace kist::cli
