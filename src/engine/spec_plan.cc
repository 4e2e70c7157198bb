// SPDX-License-Identifier: Apache-2.0
// Defaults are SECURITY section 2's; process, namespaces and limits here, mounts in mount_spec.cc.
#include "engine/spec_plan.hh"

#include <algorithm>

#include "base/size.hh"
#include "base/text.hh"
#include "engine/cgroup_manager.hh"
#include "engine/create_parts.hh"
#include "engine/hook_spec.hh"
#include "engine/host_config.hh"
#include "engine/init_program.hh"
#include "engine/log_options.hh"
#include "engine/mount_spec.hh"
#include "engine/tell.hh"
#include "oci/run/capabilities.hh"
#include "oci/run/notify_socket.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;

constexpr std::int64_t default_pids_limit = 2048;
constexpr std::uint64_t default_rlimit = 1048576;
constexpr std::int64_t cpu_period = 100'000;
constexpr std::string_view default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

void set_env(std::vector<std::string>& env, const std::string& entry) {
    std::string key = split_once(entry, '=').first + "=";
    for (std::string& other : env)
        if (other.starts_with(key)) {
            other = entry;
            return;
        }
    env.push_back(entry);
}

oci::Process plan_process(const ContainerConfig& config, const HostFacts& facts, std::vector<std::string>& clamp) {
    oci::Process process;
    process.terminal = config.tty;
    process.user.umask = config.umask.value_or(default_umask);
    if (!facts.init_program.empty()) process.args = {init_target, "--"};
    auto own = process_args(config);
    process.args.insert(process.args.end(), own.begin(), own.end());
    process.env = process_env(config, config.tty);
    process.cwd = config.working_dir.empty() ? "/" : config.working_dir;
    process.capabilities = oci::capability_sets(capabilities_of(config.security));
    process.rlimits = process_rlimits(config, clamp);
    process.no_new_privileges = config.security.no_new_privileges;
    if (config.security.apparmor != "unconfined") process.apparmor_profile = config.security.apparmor;
    process.oom_score_adj = config.oom_score_adj;
    return process;
}

/// The namespace to make or join for `mode`; nothing for the host's.
void add_namespace(std::vector<oci::Namespace>& list, oci::NamespaceType type, std::string_view proc_name,
                   const std::string& mode, const HostFacts& facts) {
    if (mode == "host") return;
    std::string path;
    if (mode.starts_with("ns:")) path = mode.substr(3);
    if (mode.starts_with("container:"))
        path = fmt::format("/proc/{}/ns/{}", facts.joined.at(mode.substr(10)), proc_name);
    list.push_back({type, path});
}

std::vector<oci::Namespace> plan_namespaces(const ContainerConfig& config, const HostFacts& facts) {
    using Type = oci::NamespaceType;
    const auto& modes = config.namespaces;
    std::vector<oci::Namespace> list = {{Type::mount, ""}};
    add_namespace(list, Type::user, "user", modes.user == "auto" ? "private" : modes.user, facts);
    add_namespace(list, Type::pid, "pid", modes.pid, facts);
    add_namespace(list, Type::network, "net", modes.network, facts);
    add_namespace(list, Type::ipc, "ipc", modes.ipc, facts);
    add_namespace(list, Type::uts, "uts", modes.uts, facts);
    add_namespace(list, Type::cgroup, "cgroup", modes.cgroup, facts);
    return list;
}

std::map<std::string, std::string> joined_containers(const ContainerConfig& config) {
    const auto& modes = config.namespaces;
    std::map<std::string, std::string> joined;
    for (const auto& [name, mode] : {std::pair{"pid", &modes.pid},
                                     {"network", &modes.network},
                                     {"ipc", &modes.ipc},
                                     {"uts", &modes.uts},
                                     {"cgroup", &modes.cgroup},
                                     {"user", &modes.user}})
        if (mode->starts_with("container:")) joined[name] = mode->substr(10);
    return joined;
}

/// runc's list without tun: mknod of anything, use of the harmless ones and of ptys.
std::vector<oci::DeviceRule> plan_device_rules(const ContainerConfig& config, const HostFacts& facts) {
    if (config.security.privileged) return {{true, "a", {}, {}, "rwm"}};
    std::vector<oci::DeviceRule> rules = {
        {false, "a", {}, {}, "rwm"}, {true, "c", {}, {}, "m"}, {true, "b", {}, {}, "m"},   {true, "c", 1, 3, "rwm"},
        {true, "c", 1, 5, "rwm"},    {true, "c", 1, 7, "rwm"}, {true, "c", 1, 8, "rwm"},   {true, "c", 1, 9, "rwm"},
        {true, "c", 5, 0, "rwm"},    {true, "c", 5, 2, "rwm"}, {true, "c", 136, {}, "rwm"}};
    rules.insert(rules.end(), facts.device_rules.begin(), facts.device_rules.end());
    for (const std::string& text : config.device_cgroup_rules) {
        std::vector<std::string> parts = split(text, ' ');
        auto [major, minor] = split_once(parts.at(1), ':');
        auto number = [](const std::string& part) -> std::optional<std::int64_t> {
            if (part == "*") return std::nullopt;
            return static_cast<std::int64_t>(parse_unsigned(part).value_or(0));
        };
        rules.push_back({true, parts[0], number(major), number(minor.value_or("*")), parts.at(2)});
    }
    return rules;
}

} // namespace

std::string cgroup_path(const ContainerConfig& config) {
    if (const auto scope = scope_of(config)) return oci::scope_path(*scope);
    const std::string& parent = config.cgroup_parent;
    return (parent == "/" ? "" : parent) + "/" + config.id;
}

std::vector<std::string> process_args(const ContainerConfig& config) {
    std::vector<std::string> args = config.entrypoint;
    args.insert(args.end(), config.command.begin(), config.command.end());
    return args;
}

std::vector<std::string> process_env(const ContainerConfig& config, bool tty) {
    std::vector<std::string> env = {"PATH=" + std::string(default_path), "HOSTNAME=" + config.hostname,
                                    "container=kist"};
    if (tty) env.push_back("TERM=xterm");
    for (const std::string& entry : config.env) set_env(env, entry);
    return env;
}

std::vector<oci::Rlimit> process_rlimits(const ContainerConfig& config, std::vector<std::string>& clamp) {
    std::vector<oci::Rlimit> limits = config.ulimits;
    for (const char* type : {"RLIMIT_NOFILE", "RLIMIT_NPROC"}) {
        bool given =
            std::any_of(limits.begin(), limits.end(), [&](const oci::Rlimit& limit) { return limit.type == type; });
        if (given) continue;
        limits.push_back({type, default_rlimit, default_rlimit});
        clamp.emplace_back(type);
    }
    return limits;
}

oci::Resources plan_resources(const ContainerConfig& config, const HostFacts& facts) {
    const auto& asked = config.resources;
    oci::Resources resources;
    resources.devices = plan_device_rules(config, facts);
    oci::MemoryLimits memory;
    if (asked.memory > 0) memory.limit = asked.memory;
    if (asked.memory_reservation > 0) memory.reservation = asked.memory_reservation;
    if (asked.memory_swap != 0) memory.swap = asked.memory_swap;
    else if (asked.memory > 0 && facts.swap_limit) memory.swap = 2 * asked.memory;
    if (asked.oom_kill_disable) memory.disable_oom_killer = true;
    if (memory != oci::MemoryLimits{}) resources.memory = memory;
    oci::CpuLimits cpu;
    if (asked.cpu_shares > 0) cpu.shares = static_cast<std::uint64_t>(asked.cpu_shares);
    if (asked.cpu_period > 0) cpu.period = static_cast<std::uint64_t>(asked.cpu_period);
    if (asked.cpu_quota != 0) cpu.quota = asked.cpu_quota;
    if (asked.nano_cpus > 0) {
        cpu.period = static_cast<std::uint64_t>(cpu_period);
        cpu.quota = asked.nano_cpus * cpu_period / 1'000'000'000;
    }
    cpu.cpus = asked.cpuset_cpus;
    cpu.mems = asked.cpuset_mems;
    if (cpu != oci::CpuLimits{}) resources.cpu = cpu;
    std::int64_t pids = asked.pids_limit.value_or(default_pids_limit);
    resources.pids = oci::PidsLimits{pids > 0 ? pids : -1};
    return resources;
}

monitor::Job plan_job(const ContainerConfig& config, const HostFacts& facts) {
    monitor::Job job;
    job.id = config.id;
    job.data_root = facts.data_root;
    job.run_root = facts.run_root;
    job.root = facts.root;
    job.cgroup_path = cgroup_path(config);
    job.user = config.user;
    job.group_add = config.group_add;
    job.seccomp_program = facts.seccomp_program;
    job.stdin_open = config.open_stdin;
    job.stdin_once = config.stdin_once;
    job.log = plan_log(config, facts.log_path);
    job.stop_signal = config.stop_signal;
    job.stop_timeout = config.stop_timeout;
    job.auto_remove = config.auto_remove;
    job.event_attributes = event_attributes_of(config);
    job.restart = config.restart;
    if (!facts.notify_socket.empty() && config.sdnotify != storage::NotifyMode::ignore)
        job.notify = {config.sdnotify, facts.notify_socket};
    job.spec.hooks = config.hooks;
    job.hook_folder = hooks_folder(facts.data_root);
    job.health = config.health;
    job.joined = joined_containers(config);
    oci::Spec& spec = job.spec;
    spec.process = plan_process(config, facts, job.clamp_rlimits);
    spec.root = oci::Root{"rootfs", config.read_only};
    if (config.namespaces.uts == "private") {
        spec.hostname = config.hostname;
        spec.domainname = config.domainname;
    }
    spec.mounts = plan_mounts(config, facts);
    if (job.notify && job.notify->mode == storage::NotifyMode::container)
        oci::show_notify_socket(spec, facts.run_dir + "/" + oci::notify_folder);
    spec.annotations = config.annotations;
    spec.linux_.namespaces = plan_namespaces(config, facts);
    if (config.namespaces.user != "host") {
        spec.linux_.uid_mappings = config.uid_map;
        spec.linux_.gid_mappings = config.gid_map;
        job.root.idmapped = true;
    }
    spec.linux_.devices = facts.devices;
    // What tells the monitor who makes it: a path, or the form that runtimes take for systemd.
    spec.linux_.cgroups_path =
        is_slice(config.cgroup_parent) ? config.cgroup_parent + ":kist:" + config.id : job.cgroup_path;
    spec.linux_.resources = plan_resources(config, facts);
    spec.linux_.masked_paths = masked_paths_of(config.security);
    spec.linux_.readonly_paths = readonly_paths_of(config.security);
    spec.linux_.sysctl = config.sysctls;
    if (config.namespaces.network == "none" || config.namespaces.network == "bridge")
        spec.linux_.sysctl.try_emplace("net.ipv4.ping_group_range", "0 0");
    return job;
}

} // namespace kist::engine
