// SPDX-License-Identifier: Apache-2.0
// From what a user calls an image to an entry of a manifest list.
#pragma once

#include <string>
#include <vector>

#include "engine/engine.hh"
#include "engine/registry_access.hh"
#include "storage/manifest_list.hh"

namespace kist::registry {
struct FoundManifest;
}

namespace kist::engine {

struct ListEntry {
    oci::Descriptor descriptor;
    storage::ListSource source;
};

/// `image` is here (by name or id), or in its registry: "docker://NAME" asks for the latter, "containers-storage:NAME" for the
/// former. Of a list: all entries, or that for `platform`.
std::vector<ListEntry> find_entries(Engine&, const std::string& image, const oci::Platform& platform, bool all,
                                    const RegistryOptions&);
/// Of the manifest of one image.
oci::Descriptor descriptor_of(const registry::FoundManifest&);
/// For the platform; a variant counts only where it is asked for. Null when there is none.
const oci::Descriptor* choose_entry(const oci::Index&, const oci::Platform&);
/// A full reference by digest: name without its tag.
storage::Reference by_digest(storage::Reference name, const std::string& digest);

} // namespace kist::engine
