// SPDX-License-Identifier: Apache-2.0
// What a tag or digest means for one platform: list, manifest, configuration.
#pragma once

#include "fetch/session.hh"

namespace kist::fetch {

/// What we say that we accept.
std::vector<std::string> manifest_types();
/// If the manifest's digest is one of `known` its configuration and layers are left out: the caller has the image.
registry::FoundImage find_image(Session&, const std::string& reference, const oci::Platform&,
                                const std::vector<std::string>& known);

/// What `reference` is, and what it names. An artifact's configuration is not looked at.
registry::FoundManifest describe(Session&, const std::string& reference);

} // namespace kist::fetch
