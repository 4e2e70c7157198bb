// SPDX-License-Identifier: Apache-2.0
// Manifests and manifest lists in registries.
#pragma once

#include <string>

#include "engine/engine.hh"
#include "engine/registry_access.hh"

namespace kist::engine {

/// The bytes that a name means in its registry: a manifest or a list of several platforms. A digest that was asked for is checked.
std::string fetch_manifest(Engine&, const storage::Reference&, const RegistryOptions&);

} // namespace kist::engine
