// SPDX-License-Identifier: Apache-2.0
// load with a choice: what pull takes from an archive or a folder.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hh"
#include "storage/image_store.hh"

namespace kist::storage {

struct LoadOptions {
    std::function<void(const std::string& line)> progress = {}; ///< may be empty
    /// Only the image of this name: a reference in a docker-archive, else what the index calls it. Empty: all.
    std::string called = {};
    bool only_one = false;                      ///< refuse an archive of several images
    std::optional<oci::Platform> platform = {}; ///< nothing: this machine's
    std::vector<Reference> names = {};          ///< instead of those in the archive; empty: those
};
/// A docker-archive or oci-archive, which is detected, also compressed.
std::vector<ImageStore::Loaded> load_archive(const Store&, const Fd& archive, const LoadOptions&);
/// An OCI image layout; `plain`: what skopeo calls "dir:".
std::vector<ImageStore::Loaded> load_folder(const Store&, const Dir& folder, bool plain, const LoadOptions&);

} // namespace kist::storage
