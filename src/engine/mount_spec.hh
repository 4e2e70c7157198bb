// SPDX-License-Identifier: Apache-2.0
// The mounts of a container, in the order in which they are made. Pure.
#pragma once

#include <vector>

#include "engine/spec_plan.hh"

namespace kist::engine {

std::vector<oci::Mount> plan_mounts(const storage::ContainerConfig&, const HostFacts&);

} // namespace kist::engine
