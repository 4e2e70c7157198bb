// SPDX-License-Identifier: Apache-2.0
// Putting manifest lists together here, and sending them to a registry with the images that they name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/artifact.hh"
#include "engine/engine.hh"
#include "engine/pull.hh"
#include "engine/push.hh"

namespace kist::engine {

/// What an entry of a list says of its image. Empty: as it is.
struct EntryOptions {
    std::string arch, os, variant, os_version;
    std::vector<std::string> os_features, features;
    std::vector<std::string> annotations; ///< "KEY=VALUE"
};
struct ManifestCreateOptions : RegistryOptions {
    bool all = false;   ///< of the lists among the images all entries, not that for this machine
    bool amend = false; ///< add to the list if there is one
    std::vector<std::string> annotations;
};
struct ManifestAddOptions : RegistryOptions, EntryOptions, ArtifactOptions {
    bool all = false;
};
struct ManifestAnnotateOptions : RegistryOptions, EntryOptions {
    bool index = false; ///< the annotations are those of the list itself
    std::string subject;
};
struct ManifestPushOptions : PushOptions {
    bool all = true; ///< the images too, not the list alone
};

/// Throws NotFound, and Error for an image that is no list.
storage::ImageRecord get_manifest_list(Engine&, const std::string& name);
bool is_manifest_list(Engine&, const std::string& name);

/// Each returns the list's id.
std::string create_manifest_list(Engine&, const std::string& name, const std::vector<std::string>& images,
                                 const ManifestCreateOptions&);
std::string add_to_manifest_list(Engine&, const std::string& name, const std::vector<std::string>& images,
                                 const ManifestAddOptions&);
/// `entry`: a digest, the name of an image or the path of an artifact's file in the list; empty with `index` only.
std::string annotate_manifest_list(Engine&, const std::string& name, const std::string& entry,
                                   const ManifestAnnotateOptions&);
std::string remove_from_manifest_list(Engine&, const std::string& name, const std::string& entry);
/// The bytes of a list.
std::string manifest_list_text(Engine&, const storage::ImageRecord&);
/// The image of a list for the platform: one that is here, else pulled from where the list has it from.
storage::ImageRecord image_of_list(Engine&, const storage::ImageRecord& list, const PullOptions&, PullPolicy);

/// What `name` means on this host for a platform ("linux/arm64"): the image, or, of a manifest list, the image of its entry.
/// Throws NotFound when that is not here. An empty platform: whatever has the name.
storage::ImageRecord local_image(Engine&, const std::string& name, const std::string& platform);

/// The digest that the list has in the registry.
Digest push_manifest_list(Engine&, const storage::ImageRecord&, const storage::Reference& to,
                          const ManifestPushOptions&);
/// Of the list only the image for the platform, without the list. Its digest in the registry.
Digest push_image_of_list(Engine&, const storage::ImageRecord& list, const storage::Reference& to, const oci::Platform&,
                          const PushOptions&);

} // namespace kist::engine
