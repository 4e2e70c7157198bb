// SPDX-License-Identifier: Apache-2.0
// Parts of the inspect document that have a file of their own.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/value.hh"
#include "engine/engine.hh"
#include "storage/container_config.hh"

namespace kist::engine {

Value list_value(const std::vector<std::string>& words);
Value map_value(const std::map<std::string, std::string>& pairs);
/// A mount's options as a user writes them.
std::vector<std::string> option_words(const storage::MountConfig&);
/// .State.Health, .Config.Healthcheck and Podman's .Config.StartupHealthCheck.
Value health_value(Engine&, const storage::ContainerView&);
Value healthcheck_value(const storage::HealthCheck&);
Value startup_check_value(const storage::StartupCheck&);
/// Docker's HostConfig.
Value host_config_value(const storage::ContainerConfig&);

/// NetworkSettings: what it has while it runs.
Value network_settings(Engine&, const storage::ContainerView&);
/// HostConfig.PortBindings: what was asked for.
Value port_bindings(const std::vector<netns::PortMapping>&);

} // namespace kist::engine
