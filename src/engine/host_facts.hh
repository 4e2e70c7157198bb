// SPDX-License-Identifier: Apache-2.0
// What a start needs to know of the host, and what create checks of it.
#pragma once

#include "engine/engine.hh"
#include "engine/spec_plan.hh"

namespace kist::engine {

/// Throws Error when a container to join does not run, a device is gone, …
HostFacts gather_facts(Engine&, const storage::ContainerConfig&, const Dir& run_dir);

/// This host counts swap, so that memory and swap together can have a limit.
bool can_limit_swap(Engine&);

/// At create: limits that this host cannot give and mounts that no container may have are errors now, not at start.
void check_plan(Engine&, const storage::ContainerConfig&);

} // namespace kist::engine
