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
struct Hierarchy {
    std::string mount;
    bool v1 = false;
};

Hierarchy target(const CgroupHost& host, std::string_view controller, std::string_view what) {
    if (std::string mount = host.v1_mount(controller); !mount.empty()) return {std::move(mount), true};
    if (!host.unified.empty() && host.has_unified_controller(controller)) return {host.unified, false};
    throw Error("limiting {}: this host has no cgroup controller '{}'", what, controller);
}

std::string number_or_max(std::int64_t value) { return value < 0 ? "max" : std::to_string(value); }

void plan_memory_v1(const std::string& mount, const MemoryLimits& memory, Writes& writes) {
    if (memory.limit) writes.push_back({mount, "memory.limit_in_bytes", std::to_string(*memory.limit)});
    if (memory.swap) writes.push_back({mount, "memory.memsw.limit_in_bytes", std::to_string(*memory.swap)});
    if (memory.reservation)
        writes.push_back({mount, "memory.soft_limit_in_bytes", std::to_string(*memory.reservation)});
    if (memory.swappiness) writes.push_back({mount, "memory.swappiness", std::to_string(*memory.swappiness)});
    if (memory.kernel_tcp)
        writes.push_back({mount, "memory.kmem.tcp.limit_in_bytes", std::to_string(*memory.kernel_tcp)});
    if (memory.disable_oom_killer)
        writes.push_back({mount, "memory.oom_control", *memory.disable_oom_killer ? "1" : "0"});
}

/// The specification's `swap` is memory plus swap, v2's memory.swap.max swap alone.
std::string swap_on_v2(const MemoryLimits& memory) {
    if (*memory.swap < 0) return "max";
    if (!memory.limit || *memory.limit < 0)
        throw Error("limiting memory and swap to {} bytes: cgroup v2 needs a memory limit too", *memory.swap);
    if (*memory.swap < *memory.limit)
        throw Error("limiting memory and swap to {} bytes: it is less than the memory limit of {}", *memory.swap,
                    *memory.limit);
    return std::to_string(*memory.swap - *memory.limit);
}

void plan_memory_v2(const std::string& mount, const MemoryLimits& memory, Writes& writes) {
    if (memory.swappiness) throw Error("setting memory swappiness: cgroup v2 has no such value for a container");
    if (memory.kernel_tcp) throw Error("limiting TCP memory: cgroup v2 has no such value");
    if (memory.disable_oom_killer.value_or(false))
        throw Error("disabling the out-of-memory killer: cgroup v2 cannot do that");
    if (memory.limit) writes.push_back({mount, "memory.max", number_or_max(*memory.limit)});
    if (memory.swap) writes.push_back({mount, "memory.swap.max", swap_on_v2(memory)});
    if (memory.reservation) writes.push_back({mount, "memory.low", number_or_max(*memory.reservation)});
}

void plan_memory(const CgroupHost& host, const MemoryLimits& memory, Writes& writes) {
    MemoryLimits limits = memory;
    limits.check_before_update.reset(); // is about changing them, not about what they are
    if (limits == MemoryLimits{}) return;
    const Hierarchy to = target(host, "memory", "memory");
    to.v1 ? plan_memory_v1(to.mount, memory, writes) : plan_memory_v2(to.mount, memory, writes);
}

/// The curve that current runtimes agree on: 2 → 1, 1024 → 100 (v2's default), 262144 → 10000.
std::uint64_t weight_from_shares(std::uint64_t shares) {
    if (shares <= 2) return 1;
    if (shares >= 262144) return 10000;
    const double l = std::log2(static_cast<double>(shares));
    return static_cast<std::uint64_t>(std::ceil(std::pow(10.0, (l * l + 125.0 * l) / 612.0 - 7.0 / 34.0)));
}

void plan_cpu_time(const CgroupHost& host, const CpuLimits& cpu, Writes& writes) {
    const bool shares = cpu.shares.value_or(0) != 0; // 0 means unset, as Docker's
    const bool quota = cpu.quota.value_or(0) != 0;
    const bool period = cpu.period.value_or(0) != 0;
    if (!shares && !quota && !period) return;
    const Hierarchy to = target(host, "cpu", "processor time");
    if (to.v1) {
        if (shares) writes.push_back({to.mount, "cpu.shares", std::to_string(*cpu.shares)});
        if (period) writes.push_back({to.mount, "cpu.cfs_period_us", std::to_string(*cpu.period)});
        if (quota) writes.push_back({to.mount, "cpu.cfs_quota_us", std::to_string(*cpu.quota)});
        return;
    }
    if (shares) writes.push_back({to.mount, "cpu.weight", std::to_string(weight_from_shares(*cpu.shares))});
    if (quota || period) {
        // The quota alone leaves the period as it is: 100000 in a new folder.
        const std::string part = quota ? number_or_max(*cpu.quota) : "max";
        writes.push_back({to.mount, "cpu.max", period ? part + " " + std::to_string(*cpu.period) : part});
    }
}

void plan_cpu_details(const CgroupHost& host, const CpuLimits& cpu, Writes& writes) {
    if (!cpu.burst && !cpu.realtime_runtime && !cpu.realtime_period && !cpu.idle) return;
    const Hierarchy to = target(host, "cpu", "processor time");
    if (!to.v1 && (cpu.realtime_runtime || cpu.realtime_period))
        throw Error("limiting realtime processor time: cgroup v2 has no such value");
    if (cpu.realtime_period) writes.push_back({to.mount, "cpu.rt_period_us", std::to_string(*cpu.realtime_period)});
    if (cpu.realtime_runtime) writes.push_back({to.mount, "cpu.rt_runtime_us", std::to_string(*cpu.realtime_runtime)});
    if (cpu.burst)
        writes.push_back({to.mount, to.v1 ? "cpu.cfs_burst_us" : "cpu.max.burst", std::to_string(*cpu.burst)});
    if (cpu.idle) writes.push_back({to.mount, "cpu.idle", std::to_string(*cpu.idle)});
}

void plan_cpuset(const CgroupHost& host, const CpuLimits& cpu, Writes& writes) {
    if (cpu.cpus.empty() && cpu.mems.empty()) return;
    const Hierarchy to = target(host, "cpuset", "the set of processors");
    if (!cpu.cpus.empty()) writes.push_back({to.mount, "cpuset.cpus", cpu.cpus});
    if (!cpu.mems.empty()) writes.push_back({to.mount, "cpuset.mems", cpu.mems});
}

void plan_pids(const CgroupHost& host, const PidsLimits& pids, Writes& writes) {
    const Hierarchy to = target(host, "pids", "the number of processes");
    writes.push_back({to.mount, "pids.max", pids.limit > 0 ? std::to_string(pids.limit) : "max"});
}

/// The specification's 10…1000 on v2's 1…10000, as other runtimes map it.
std::uint64_t io_weight(std::uint16_t weight) { return 1 + (std::uint64_t{weight} - 10) * 9999 / 990; }

std::string device_number(std::int64_t major, std::int64_t minor) { return fmt::format("{}:{}", major, minor); }

/// Of the whole group for an empty `device`. v2 has a file for each of two schedulers, BFQ and iocost, and kernels have either or both.
/// The weight of v1's old scheduler has gone from kernels with it; the one that is left calls its file so.
void plan_block_weight(const Hierarchy& to, const std::string& device, std::uint16_t weight, Writes& writes) {
    if (weight < 10 || weight > 1000) throw Error("block IO weight {}: expected a number from 10 to 1000", weight);
    const auto value = [&](std::uint64_t number) {
        return device.empty() ? std::to_string(number) : fmt::format("{} {}", device, number);
    };
    if (to.v1) {
        writes.push_back({to.mount, device.empty() ? "blkio.bfq.weight" : "blkio.bfq.weight_device", value(weight)});
        return;
    }
    writes.push_back({to.mount, "io.bfq.weight", value(weight), CgroupWrite::Need::this_or_next});
    writes.push_back({to.mount, "io.weight", value(io_weight(weight))});
}

void plan_block_weights(const Hierarchy& to, const BlockIo& io, Writes& writes) {
    if (io.leaf_weight) throw Error("block IO leafWeight: kernels have no such value any more");
    if (io.weight.value_or(0) != 0) plan_block_weight(to, "", *io.weight, writes);
    for (const BlockWeight& device : io.weight_device) {
        if (device.leaf_weight) throw Error("block IO leafWeight: kernels have no such value any more");
        if (device.weight) plan_block_weight(to, device_number(device.major, device.minor), *device.weight, writes);
    }
}

void plan_block_io(const CgroupHost& host, const BlockIo& io, Writes& writes) {
    if (io == BlockIo{}) return;
    const Hierarchy to =
        host.v1_mount("blkio").empty() ? target(host, "io", "block IO") : Hierarchy{host.v1_mount("blkio"), true};
    plan_block_weights(to, io, writes);
    const struct {
        const std::vector<BlockRate>& rates;
        const char* v1_file;
        const char* v2_key;
    } kinds[] = {{io.read_bps, "blkio.throttle.read_bps_device", "rbps"},
                 {io.write_bps, "blkio.throttle.write_bps_device", "wbps"},
                 {io.read_iops, "blkio.throttle.read_iops_device", "riops"},
                 {io.write_iops, "blkio.throttle.write_iops_device", "wiops"}};
    for (const auto& kind : kinds) {
        for (const BlockRate& device : kind.rates) {
            const std::string number = device_number(device.major, device.minor);
            if (to.v1) writes.push_back({to.mount, kind.v1_file, fmt::format("{} {}", number, device.rate)});
            else writes.push_back({to.mount, "io.max", fmt::format("{} {}={}", number, kind.v2_key, device.rate)});
        }
    }
}

void check_page_size(const std::string& size) {
    const std::size_t digits = size.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string::npos ||
        (size.substr(digits) != "KB" && size.substr(digits) != "MB" && size.substr(digits) != "GB"))
        throw Error("hugepage limit: '{}' is no page size like 2MB", printable(size));
}

void plan_hugepages(const CgroupHost& host, const std::vector<HugepageLimit>& limits, Writes& writes) {
    for (const HugepageLimit& limit : limits) {
        check_page_size(limit.page_size);
        const Hierarchy to = target(host, "hugetlb", "huge pages");
        writes.push_back({to.mount, "hugetlb." + limit.page_size + (to.v1 ? ".limit_in_bytes" : ".max"),
                          std::to_string(limit.limit)});
    }
}

void plan_rdma(const CgroupHost& host, const std::map<std::string, RdmaLimit>& limits, Writes& writes) {
    for (const auto& [device, limit] : limits) {
        if (device.empty() || device.find_first_of(" \n") != std::string::npos)
            throw Error("RDMA limit: '{}' is no device name", printable(device));
        const Hierarchy to = target(host, "rdma", "RDMA");
        std::string value = device;
        if (limit.handles) value += fmt::format(" hca_handle={}", *limit.handles);
        if (limit.objects) value += fmt::format(" hca_object={}", *limit.objects);
        writes.push_back({to.mount, "rdma.max", value});
    }
}

/// On v2 packets are classified by programs, not by numbers of the group.
void plan_network(const CgroupHost& host, const NetworkLimits& network, Writes& writes) {
    const auto v1 = [&](const char* controller) {
        const std::string mount = host.v1_mount(controller);
        if (mount.empty())
            throw Error("network class or priority: this host has no cgroup controller '{}'", controller);
        return mount;
    };
    if (network.class_id) writes.push_back({v1("net_cls"), "net_cls.classid", std::to_string(*network.class_id)});
    for (const InterfacePriority& interface : network.priorities) {
        if (interface.name.empty() || interface.name.find_first_of(" \n/") != std::string::npos)
            throw Error("network priority: '{}' is no interface name", printable(interface.name));
        writes.push_back(
            {v1("net_prio"), "net_prio.ifpriomap", fmt::format("{} {}", interface.name, interface.priority)});
    }
}

void plan_unified(const CgroupHost& host, const std::map<std::string, std::string>& values, Writes& writes) {
    if (values.empty()) return;
    if (host.unified.empty())
        throw Error("setting '{}': this host has no cgroup v2 tree", printable(values.begin()->first));
    for (const auto& [file, value] : values) {
        const std::string controller = split_once(file, '.').first;
        if (file.find('/') != std::string::npos || file.find('\0') != std::string::npos || controller == file)
            throw Error("setting '{}': not the name of a cgroup v2 file", printable(file));
        if (controller != "cgroup" && !host.has_unified_controller(controller))
            throw Error("setting '{}': the cgroup v2 tree of this host has no controller '{}'", printable(file),
                        printable(controller));
        writes.push_back({host.unified, file, value});
    }
}

} // namespace

std::vector<CgroupWrite> plan_cgroup(const CgroupHost& host, const Resources& resources) {
    Writes writes;
    if (!resources.devices.empty()) {
        if (const std::string mount = host.v1_mount("devices"); !mount.empty()) {
            for (auto& [file, value] : device_writes_v1(resources.devices)) writes.push_back({mount, file, value});
        } else if (host.unified.empty()) {
            throw Error(
                "limiting devices: this host has neither the cgroup controller 'devices' nor a "
                "cgroup v2 tree");
        }
    }
    if (resources.memory) plan_memory(host, *resources.memory, writes);
    if (resources.cpu) {
        plan_cpu_time(host, *resources.cpu, writes);
        plan_cpu_details(host, *resources.cpu, writes);
        plan_cpuset(host, *resources.cpu, writes);
    }
    if (resources.pids) plan_pids(host, *resources.pids, writes);
    if (resources.block_io) plan_block_io(host, *resources.block_io, writes);
    plan_hugepages(host, resources.hugepage_limits, writes);
    plan_rdma(host, resources.rdma, writes);
    if (resources.network) plan_network(host, *resources.network, writes);
    plan_unified(host, resources.unified, writes);
    return writes;
}

} // namespace kist::oci
