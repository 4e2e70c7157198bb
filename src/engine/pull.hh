// SPDX-License-Identifier: Apache-2.0
// Fetching an image from its registry, and which image a command means by its pull policy.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/engine.hh"
#include "engine/registry_access.hh"

namespace kist::engine {

/// A layer on its way, for a person who watches.
struct LayerStatus {
    enum class State { waiting, fetching, done, known };
    std::string short_id;
    State state = State::waiting;
    std::int64_t moved = 0, size = 0; ///< compressed bytes
};

struct PullOptions : RegistryOptions, PlatformOptions {
    std::function<void(const std::string& line)> progress; ///< lines as Docker prints them; may be empty
    /// Called ten times a second, by a thread, while layers are fetched, and once at their end; then `progress` gets no lines for
    /// single layers. May be empty.
    std::function<void(const std::vector<LayerStatus>&)> watch;
};
/// The image's id. Several layers come at once, each through kist-fetch into kist-unpack.
Digest pull_image(Engine&, const storage::Reference&, const PullOptions&);

enum class PullPolicy { missing, never, always, newer };
/// "missing" (also "ifmissing", ""), "never" ("false"), "always" ("true"), "newer". Throws UsageError.
PullPolicy parse_pull_policy(const std::string& text);

/// The image that `reference` (a name or an id) means. A local image that is enough starts no other program. With `newer` a
/// registry that fails is no failure while there is a local image.
storage::ImageRecord resolve_image(Engine&, const std::string& reference, PullPolicy, const PullOptions&);

} // namespace kist::engine
