// SPDX-License-Identifier: Apache-2.0
// Artifacts: manifests that name files instead of an image's layers.
// https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md#guidelines-for-artifact-usage
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "oci/spec/image_spec.hh"
#include "storage/manifest_list.hh"

namespace kist::engine {

struct ArtifactOptions {
    bool artifact = false; ///< the operands are files
    std::string artifact_type, artifact_config, artifact_config_type, artifact_layer_type, artifact_subject;
    bool artifact_exclude_titles = false;
};

/// A manifest with all that it names, not yet in the store.
struct Artifact {
    oci::Descriptor descriptor;
    storage::ListSource source;
    std::vector<storage::NewContent> content;
};
Artifact make_artifact(const storage::Store&, const std::vector<std::string>& files, const ArtifactOptions&,
                       const std::map<std::string, std::string>& annotations,
                       const std::optional<oci::Descriptor>& subject);

/// By the ending of its name, else by its first bytes, as Podman does it.
std::string media_type_of(const std::string& name, const std::string& beginning);

} // namespace kist::engine
