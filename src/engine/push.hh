// SPDX-License-Identifier: Apache-2.0
// Sending an image to a registry.
#pragma once

#include <functional>
#include <string>

#include "engine/engine.hh"
#include "engine/registry_access.hh"

namespace kist::engine {

/// A registry is asked for so many repositories that may have a blob already.
inline constexpr std::size_t most_mounts = 5;

struct PushOptions : RegistryOptions {
    std::string format;             ///< "oci", "v2s2" (also "docker"); empty: the image's own
    std::string compression_format; ///< "gzip", "zstd"; empty: as the image came, else gzip
    std::optional<int> compression_level;
    bool force_compression = false;                        ///< not as a blob that is known in another format or level
    std::function<void(const std::string& line)> progress; ///< lines as Docker prints them; may be empty
};
/// The manifest that the registry now has.
struct Pushed {
    Digest digest;
    std::int64_t size = 0;
    std::string media_type;
};
/// `to` without a tag: known by its digest only.
Pushed push_image(Engine&, const storage::ImageRecord&, const storage::Reference& to, const PushOptions&);

} // namespace kist::engine
