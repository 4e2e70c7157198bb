// SPDX-License-Identifier: Apache-2.0
// What a tag or digest means for one platform: list, manifest, configuration.
#pragma once

#include "fetch/session.hh"

namespace kist::fetch {

/// What we say that we accept.
std::vector<std::string> manifest_types();
registry::FoundImage find_image(Session&, const std::string& reference, const oci::Platform&);

/// What `reference` is, and what it names. An artifact's configuration is not looked at.
registry::FoundManifest describe(Session&, const std::string& reference);

} // namespace kist::fetch
