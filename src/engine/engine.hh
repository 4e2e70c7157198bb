// SPDX-License-Identifier: Apache-2.0
// What every use case needs: host configuration and the opened stores. The use cases are functions in the files beside
// this one (create.hh, lifecycle.hh, …), one idea a file; all policy lives there, the command line only parses and prints.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/host_config.hh"
#include "oci/run/cgroup.hh"
#include "storage/container_store.hh"
#include "storage/image_store.hh"
#include "storage/network_store.hh"
#include "storage/store.hh"
#include "storage/volume_store.hh"

namespace kist::engine {

class Engine {
public:
    /// Opens nothing yet; each part is opened when first asked for, so `version` and `--help` touch no file.
    explicit Engine(HostConfig config) : config_(std::move(config)) {}

    const HostConfig& config() const { return config_; }
    /// Throws Error "must be run as root (try sudo kist …)" before any file is touched (SEEDS A001).
    const storage::Store& store();
    storage::ContainerStore& containers();
    storage::ImageStore& images();
    storage::VolumeStore& volumes();
    storage::NetworkStore& networks();
    const oci::CgroupHost& cgroups();

private:
    HostConfig config_;
    std::optional<storage::Store> store_;
    std::optional<storage::ContainerStore> containers_;
    std::optional<storage::ImageStore> images_;
    std::optional<storage::VolumeStore> volumes_;
    std::optional<storage::NetworkStore> networks_;
    std::optional<oci::CgroupHost> cgroups_;
};

} // namespace kist::engine
