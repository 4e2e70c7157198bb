// SPDX-License-Identifier: Apache-2.0
// Manifests and manifest lists in registries.
#pragma once

#include <string>

#include "base/value.hh"
#include "engine/engine.hh"
#include "engine/registry_access.hh"

namespace kist::engine {

/// The bytes that a name means in its registry: a manifest or a list of several platforms. A digest that was asked for is checked.
std::string fetch_manifest(Engine&, const storage::Reference&, const RegistryOptions&);

/// What `docker manifest inspect --verbose` tells: a document for an image, a list of them for a list, be it here or in its
/// registry.
Value describe_manifest(Engine&, const std::string& name, const RegistryOptions&);

} // namespace kist::engine
