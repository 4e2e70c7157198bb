// SPDX-License-Identifier: Apache-2.0
// linux.resources of config.json: what a container's cgroup allows. Data only.
// https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#control-groups
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.hh"

namespace kist::oci {

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

} // namespace kist::oci
