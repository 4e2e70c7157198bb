// SPDX-License-Identifier: Apache-2.0
// Fetching an image from its registry, and which image a command means by its pull policy.
#pragma once

#include <functional>
#include <string>

#include "engine/engine.hh"
#include "engine/registry_access.hh"

namespace kist::engine {

struct PullOptions : RegistryOptions, PlatformOptions {
    std::function<void(const std::string& line)> progress; ///< lines as Docker prints them; may be empty
};
/// The image's id. Its layers come one after the other, each through kist-fetch into kist-unpack without a copy on disk.
Digest pull_image(Engine&, const storage::Reference&, const PullOptions&);

enum class PullPolicy { missing, never, always, newer };
/// "missing" (also "ifmissing", ""), "never" ("false"), "always" ("true"), "newer". Throws UsageError.
PullPolicy parse_pull_policy(const std::string& text);

/// The image that `reference` (a name or an id) means. A local image that is enough starts no other program. With `newer` a
/// registry that fails is no failure while there is a local image.
storage::ImageRecord resolve_image(Engine&, const std::string& reference, PullPolicy, const PullOptions&);

} // namespace kist::engine
