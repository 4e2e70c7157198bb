// SPDX-License-Identifier: Apache-2.0
// Places of images that are no registry: archives and folders, written as skopeo and Podman write them.
#pragma once

#include <optional>
#include <string>

#include "engine/pull.hh"
#include "engine/push.hh"

namespace kist::engine {

struct Transport {
    enum class Kind { docker_archive, oci_archive, oci, dir };
    Kind kind = Kind::docker_archive;
    std::string path;
    std::string name; ///< behind the path: which image of several, or how it is to be called there
    bool is_folder() const { return kind == Kind::oci || kind == Kind::dir; }
};
/// "docker-archive:FILE[:NAME]", "oci-archive:FILE[:NAME]", "oci:FOLDER[:NAME]" or "dir:FOLDER"; nothing for anything else.
/// Throws UsageError for one of these without a path.
std::optional<Transport> parse_transport(const std::string& text);

/// The image's id.
Digest pull_image(Engine&, const Transport&, const PullOptions&);

/// Throws UsageError for options that this kind of place does not have.
void check_push(const Transport&, const PushOptions&);
/// The digest of the manifest that was written; a docker-archive has none.
std::string push_image(Engine&, const storage::ImageStore::SaveItem&, const Transport&, const PushOptions&,
                       const Fd& archive);
std::string push_image(Engine&, const storage::ImageStore::SaveItem&, const Transport&, const PushOptions&,
                       const Dir& folder);

} // namespace kist::engine
