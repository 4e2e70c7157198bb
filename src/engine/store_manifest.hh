// SPDX-License-Identifier: Apache-2.0
// The last step of each push: a manifest or a list, and that it can be found from what it belongs to.
#pragma once

#include <string>

#include "base/ids.hh"
#include "oci/spec/image_spec.hh"

namespace kist::registry {
class Fetcher;
}

namespace kist::engine {

struct ManifestText {
    const std::string& type;
    const std::string& bytes;
};
/// `reference`: a tag, or empty: known by its digest only. The image or list that its "subject" names gets to know it: by the
/// registry, or, if that one is of before distribution 1.1, by the list that clients keep under a tag instead.
Digest store_manifest(registry::Fetcher&, const std::string& reference, const ManifestText&);

/// The index of a subject's referrers with one more; `index` is empty when there is none yet. What others wrote into it stays as
/// it is. Empty: it has it already. Throws Error for what is no index.
std::string add_referrer(const std::string& index, const oci::Descriptor&);

} // namespace kist::engine
