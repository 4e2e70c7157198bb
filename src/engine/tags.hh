// SPDX-License-Identifier: Apache-2.0
// What a registry has under a name.
#pragma once

#include <string>
#include <vector>

#include "engine/engine.hh"
#include "engine/registry_access.hh"

namespace kist::engine {

/// The tags of a repository, as the registry orders them.
std::vector<std::string> list_tags(Engine&, const storage::Reference&, const RegistryOptions&);

} // namespace kist::engine
