// SPDX-License-Identifier: Apache-2.0
// What a start needs to know of volumes and images that a container mounts.
#pragma once

#include "engine/engine.hh"
#include "engine/spec_plan.hh"

namespace kist::engine {

/// What the container's root is made of: its image's layers, or the folder of --rootfs.
oci::RootMount plan_container_root(Engine&, const storage::ContainerConfig&, const Dir& container_data);

/// Fills volumes, layers and uppers. Throws Error when a volume is missing or damaged: a container never starts on an empty
/// folder in its place.
void find_mounts(Engine&, const storage::ContainerConfig&, const Dir& container_data, HostFacts&);

} // namespace kist::engine
