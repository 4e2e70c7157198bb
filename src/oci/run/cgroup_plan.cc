// SPDX-License-Identifier: Apache-2.0
// Which values in which files give a container its limits. Pure: no file is read or written here.
// https://docs.kernel.org/admin-guide/cgroup-v1/ and cgroup-v2.html; the mapping is the OCI runtime
// specification's (config-linux.md, "Control groups").
#include <algorithm>
#include <cmath>

#include "base/error.hh"
#include "base/text.hh"
#include "oci/run/cgroup.hh"
#include "oci/run/cgroup_devices.hh"

namespace kist::oci {

namespace {

using Writes = std::vector<CgroupWrite>;

/// Where a controller's limits go. `v1` decides by the mount, because a hybrid host has each
/// controller on one side only.
struct Target {
    std::string mount;
    bool v1 = false;
};

Target target(const CgroupHost& host, std::string_view controller, std::string_view what) {
    if (std::string mount = host.v1_mount(controller); !mount.empty())
        return {std::move(mount), true};
    if (!host.unified.empty() && host.has_unified_controller(controller))
        return {host.unified, false};
    throw Error("limiting {}: this host has no cgroup controller '{}'", what, controller);
}

std::string number_or_max(std::int64_t value) {
    return value < 0 ? "max" : std::to_string(value);
}

void plan_memory_v1(const std::string& mount, const MemoryLimits& memory, Writes& writes) {
    if (memory.limit)
        writes.push_back({mount, "memory.limit_in_bytes", std::to_string(*memory.limit)});
    if (memory.swap)
        writes.push_back({mount, "memory.memsw.limit_in_bytes", std::to_string(*memory.swap)});
    if (memory.reservation)
        writes.push_back(
            {mount, "memory.soft_limit_in_bytes", std::to_string(*memory.reservation)});
    if (memory.swappiness)
        writes.push_back({mount, "memory.swappiness", std::to_string(*memory.swappiness)});
    if (memory.disable_oom_killer)
        writes.push_back({mount, "memory.oom_control", *memory.disable_oom_killer ? "1" : "0"});
}

/// The specification's `swap` is memory plus swap, v2's memory.swap.max swap alone.
std::string swap_on_v2(const MemoryLimits& memory) {
    if (*memory.swap < 0) return "max";
    if (!memory.limit || *memory.limit < 0)
        throw Error("limiting memory and swap to {} bytes: cgroup v2 needs a memory limit too",
                    *memory.swap);
    if (*memory.swap < *memory.limit)
        throw Error("limiting memory and swap to {} bytes: it is less than the memory limit of {}",
                    *memory.swap, *memory.limit);
    return std::to_string(*memory.swap - *memory.limit);
}

void plan_memory_v2(const std::string& mount, const MemoryLimits& memory, Writes& writes) {
    if (memory.swappiness)
        throw Error("setting memory swappiness: cgroup v2 has no such value for a container");
    if (memory.disable_oom_killer.value_or(false))
        throw Error("disabling the out-of-memory killer: cgroup v2 cannot do that");
    if (memory.limit) writes.push_back({mount, "memory.max", number_or_max(*memory.limit)});
    if (memory.swap) writes.push_back({mount, "memory.swap.max", swap_on_v2(memory)});
    if (memory.reservation)
        writes.push_back({mount, "memory.low", number_or_max(*memory.reservation)});
}

void plan_memory(const CgroupHost& host, const MemoryLimits& memory, Writes& writes) {
    if (memory == MemoryLimits{}) return;
    const Target to = target(host, "memory", "memory");
    to.v1 ? plan_memory_v1(to.mount, memory, writes) : plan_memory_v2(to.mount, memory, writes);
}

/// The curve that current runtimes agree on: 2 → 1, 1024 → 100 (v2's default), 262144 → 10000.
std::uint64_t weight_from_shares(std::uint64_t shares) {
    if (shares <= 2) return 1;
    if (shares >= 262144) return 10000;
    const double l = std::log2(static_cast<double>(shares));
    return static_cast<std::uint64_t>(
        std::ceil(std::pow(10.0, (l * l + 125.0 * l) / 612.0 - 7.0 / 34.0)));
}

void plan_cpu_time(const CgroupHost& host, const CpuLimits& cpu, Writes& writes) {
    const bool shares = cpu.shares.value_or(0) != 0; // 0 means unset, as Docker's
    const bool quota = cpu.quota.value_or(0) != 0;
    const bool period = cpu.period.value_or(0) != 0;
    if (!shares && !quota && !period) return;
    const Target to = target(host, "cpu", "processor time");
    if (to.v1) {
        if (shares) writes.push_back({to.mount, "cpu.shares", std::to_string(*cpu.shares)});
        if (period) writes.push_back({to.mount, "cpu.cfs_period_us", std::to_string(*cpu.period)});
        if (quota) writes.push_back({to.mount, "cpu.cfs_quota_us", std::to_string(*cpu.quota)});
        return;
    }
    if (shares)
        writes.push_back({to.mount, "cpu.weight", std::to_string(weight_from_shares(*cpu.shares))});
    if (quota || period) {
        const std::string part = quota ? number_or_max(*cpu.quota) : "max";
        writes.push_back(
            {to.mount, "cpu.max", part + " " + std::to_string(period ? *cpu.period : 100'000)});
    }
}

void plan_cpuset(const CgroupHost& host, const CpuLimits& cpu, Writes& writes) {
    if (cpu.cpus.empty() && cpu.mems.empty()) return;
    const Target to = target(host, "cpuset", "the set of processors");
    if (!cpu.cpus.empty()) writes.push_back({to.mount, "cpuset.cpus", cpu.cpus});
    if (!cpu.mems.empty()) writes.push_back({to.mount, "cpuset.mems", cpu.mems});
}

void plan_pids(const CgroupHost& host, const PidsLimits& pids, Writes& writes) {
    const Target to = target(host, "pids", "the number of processes");
    writes.push_back({to.mount, "pids.max", pids.limit > 0 ? std::to_string(pids.limit) : "max"});
}

void plan_unified(const CgroupHost& host, const std::map<std::string, std::string>& values,
                  Writes& writes) {
    if (values.empty()) return;
    if (host.unified.empty())
        throw Error("setting '{}': this host has no cgroup v2 tree",
                    printable(values.begin()->first));
    for (const auto& [file, value] : values) {
        const std::string controller = split_once(file, '.').first;
        if (file.find('/') != std::string::npos || file.find('\0') != std::string::npos ||
            controller == file)
            throw Error("setting '{}': not the name of a cgroup v2 file", printable(file));
        if (controller != "cgroup" && !host.has_unified_controller(controller))
            throw Error("setting '{}': the cgroup v2 tree of this host has no controller '{}'",
                        printable(file), printable(controller));
        writes.push_back({host.unified, file, value});
    }
}

} // namespace

std::vector<CgroupWrite> plan_cgroup(const CgroupHost& host, const Resources& resources) {
    Writes writes;
    if (!resources.devices.empty()) {
        if (const std::string mount = host.v1_mount("devices"); !mount.empty()) {
            for (auto& [file, value] : device_writes_v1(resources.devices))
                writes.push_back({mount, file, value});
        } else if (host.unified.empty()) {
            throw Error(
                "limiting devices: this host has neither the cgroup controller 'devices' nor a "
                "cgroup v2 tree");
        }
    }
    if (resources.memory) plan_memory(host, *resources.memory, writes);
    if (resources.cpu) {
        plan_cpu_time(host, *resources.cpu, writes);
        plan_cpuset(host, *resources.cpu, writes);
    }
    if (resources.pids) plan_pids(host, *resources.pids, writes);
    plan_unified(host, resources.unified, writes);
    return writes;
}

} // namespace kist::oci
