// SPDX-License-Identifier: Apache-2.0
// The part of a container's config.json that says what it may use of the host: limits of its control group, devices.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/fields.hh"

namespace kist::storage {

struct DeviceConfig {
    std::string host_path, container_path, access = "rwm";
    bool operator==(const DeviceConfig&) const = default;
    static constexpr void fields(auto&& field) {
        field("host_path", &DeviceConfig::host_path, required);
        field("container_path", &DeviceConfig::container_path, required);
        field("access", &DeviceConfig::access);
    }
};

struct ResourceConfig {
    std::int64_t memory = 0, memory_reservation = 0, memory_swap = 0; ///< bytes; 0 unset, -1 unlimited swap
    std::int64_t nano_cpus = 0;                                       ///< --cpus in 1e-9
    std::int64_t cpu_shares = 0, cpu_period = 0, cpu_quota = 0;
    std::string cpuset_cpus, cpuset_mems;
    std::optional<std::int64_t> pids_limit; ///< nothing: the default (2048); -1 or 0: unlimited
    bool oom_kill_disable = false;
    bool operator==(const ResourceConfig&) const = default;
    static constexpr void fields(auto&& field) {
        field("memory", &ResourceConfig::memory);
        field("memory_reservation", &ResourceConfig::memory_reservation);
        field("memory_swap", &ResourceConfig::memory_swap);
        field("nano_cpus", &ResourceConfig::nano_cpus);
        field("cpu_shares", &ResourceConfig::cpu_shares);
        field("cpu_period", &ResourceConfig::cpu_period);
        field("cpu_quota", &ResourceConfig::cpu_quota);
        field("cpuset_cpus", &ResourceConfig::cpuset_cpus);
        field("cpuset_mems", &ResourceConfig::cpuset_mems);
        field("pids_limit", &ResourceConfig::pids_limit);
        field("oom_kill_disable", &ResourceConfig::oom_kill_disable);
    }
};

} // namespace kist::storage
