// SPDX-License-Identifier: Apache-2.0
// kist stats: what containers use at the moment, from the counters of their control groups and network devices.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hh"
#include "base/value.hh"
#include "engine/engine.hh"

namespace kist::engine {

struct NetworkUse {
    std::uint64_t received = 0, sent = 0; ///< bytes
};
/// The text of /proc/PID/net/dev: all devices but the loopback.
NetworkUse parse_network_use(std::string_view text);

struct StatsOptions {
    std::vector<ContainerId> ids; ///< none: all
    bool all = false;             ///< also those that do not run
    bool no_trunc = false;
};

/// Rates need two looks: the first one's CPU use is the average since the container's start.
class StatsWatch {
public:
    StatsWatch(Engine& engine, StatsOptions options) : engine_(engine), options_(std::move(options)) {}

    /// One row for each container that is still there, with the placeholders of Docker and Podman. Containers are followed by
    /// their IDs, so a new name shows at once (SEEDS A123).
    std::vector<Value> look();

private:
    struct Look {
        std::uint64_t cpu_ns = 0;
        std::chrono::steady_clock::time_point time;
    };
    std::vector<storage::ContainerView> views() const;
    Value row(const storage::ContainerView&);
    double cpu_percent(const storage::ContainerView&, std::uint64_t cpu_ns);

    Engine& engine_;
    StatsOptions options_;
    std::map<std::string, Look> before_;
    std::map<std::string, Look> now_;
};

} // namespace kist::engine
