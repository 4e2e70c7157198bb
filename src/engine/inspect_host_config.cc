// SPDX-License-Identifier: Apache-2.0
// HostConfig of the inspect document: what was asked for, in Docker's names and units.
#include "base/text.hh"
#include "engine/create_parts.hh"
#include "engine/inspect_parts.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;

/// "private" is the empty mode in Docker's documents for some namespaces.
std::string mode_text(const std::string& mode, const char* for_private) {
    return mode == "private" ? for_private : mode;
}

Value binds(const ContainerConfig& config) {
    Value list = Value::list();
    for (const storage::MountConfig& mount : config.mounts)
        if (mount.type == "bind" || (mount.type == "volume" && !mount.anonymous))
            list.push((mount.type == "bind" ? mount.source : mount.name) + ":" + mount.destination + ":" +
                      join(option_words(mount), ","));
    return list;
}

Value tmpfs(const ContainerConfig& config) {
    Value object = Value::object();
    for (const storage::MountConfig& mount : config.mounts)
        if (mount.type == "tmpfs") object.set(mount.destination, join(mount.options, ","));
    return object;
}

Value devices(const ContainerConfig& config) {
    Value list = Value::list();
    for (const storage::DeviceConfig& device : config.devices) {
        Value value = Value::object();
        value.set("PathOnHost", device.host_path);
        value.set("PathInContainer", device.container_path);
        value.set("CgroupPermissions", device.access);
        list.push(std::move(value));
    }
    return list;
}

Value ulimits(const ContainerConfig& config) {
    Value list = Value::list();
    for (const oci::Rlimit& limit : config.ulimits) {
        auto number = [](std::uint64_t n) { return n > INT64_MAX ? std::int64_t{-1} : static_cast<std::int64_t>(n); };
        Value value = Value::object();
        value.set("Name", to_lower(limit.type.substr(7)));
        value.set("Hard", number(limit.hard));
        value.set("Soft", number(limit.soft));
        list.push(std::move(value));
    }
    return list;
}

void add_resources(Value& value, const ContainerConfig& config) {
    const auto& r = config.resources;
    value.set("CpuShares", r.cpu_shares);
    value.set("Memory", r.memory);
    value.set("NanoCpus", r.nano_cpus);
    value.set("CgroupParent", config.cgroup_parent);
    value.set("CpuPeriod", r.cpu_period);
    value.set("CpuQuota", r.cpu_quota);
    value.set("CpusetCpus", r.cpuset_cpus);
    value.set("CpusetMems", r.cpuset_mems);
    value.set("Devices", devices(config));
    value.set("DeviceCgroupRules", list_value(config.device_cgroup_rules));
    value.set("MemoryReservation", r.memory_reservation);
    value.set("MemorySwap", r.memory_swap == 0 && r.memory > 0 ? 2 * r.memory : r.memory_swap);
    value.set("OomKillDisable", r.oom_kill_disable);
    value.set("PidsLimit", r.pids_limit.value_or(2048));
    value.set("Ulimits", ulimits(config));
}

Value log_config(const ContainerConfig& config) {
    Value value = Value::object();
    value.set("Type", config.log_driver);
    value.set("Config", map_value(config.log_options));
    return value;
}

Value restart_policy(const storage::RestartPolicy& policy) {
    Value value = Value::object();
    value.set("Name", std::string(name_of(policy.mode)));
    value.set("MaximumRetryCount", policy.max_retries);
    return value;
}

} // namespace

Value host_config_value(const ContainerConfig& config) {
    const auto& modes = config.namespaces;
    const auto& security = config.security;
    Value value = Value::object();
    value.set("Binds", binds(config));
    value.set("ContainerIDFile", config.cidfile);
    value.set("LogConfig", log_config(config));
    value.set("NetworkMode", modes.network);
    value.set("PortBindings", port_bindings(config.ports));
    value.set("RestartPolicy", restart_policy(config.restart));
    value.set("AutoRemove", config.auto_remove);
    value.set("VolumeDriver", config.volume_driver);
    value.set("VolumesFrom", config.volumes_from.empty() ? Value() : list_value(config.volumes_from));
    value.set("CapAdd", security.cap_add.empty() ? Value() : list_value(security.cap_add));
    value.set("CapDrop", security.cap_drop.empty() ? Value() : list_value(security.cap_drop));
    value.set("CgroupnsMode", modes.cgroup);
    value.set("Dns", list_value(config.dns));
    value.set("DnsOptions", list_value(config.dns_options));
    value.set("DnsSearch", list_value(config.dns_search));
    value.set("ExtraHosts", list_value(config.extra_hosts));
    value.set("GroupAdd", list_value(config.group_add));
    value.set("IpcMode", modes.ipc);
    value.set("Cgroup", "");
    value.set("OomScoreAdj", config.oom_score_adj.value_or(0));
    value.set("PidMode", mode_text(modes.pid, ""));
    value.set("Privileged", security.privileged);
    value.set("PublishAllPorts", config.publish_all);
    value.set("ReadonlyRootfs", config.read_only);
    value.set("SecurityOpt", list_value(security.options));
    value.set("Tmpfs", tmpfs(config));
    value.set("UTSMode", mode_text(modes.uts, ""));
    value.set("UsernsMode", modes.user == "host" ? "" : modes.user);
    value.set("ShmSize", config.shm_size);
    Value storage = Value::object();
    if (config.root_size != 0) storage.set("size", std::to_string(config.root_size));
    value.set("StorageOpt", storage);
    value.set("Sysctls", map_value(config.sysctls));
    value.set("Runtime", "kist");
    value.set("Init", config.init);
    add_resources(value, config);
    value.set("MaskedPaths", list_value(masked_paths_of(security)));
    value.set("ReadonlyPaths", list_value(readonly_paths_of(security)));
    return value;
}

} // namespace kist::engine
