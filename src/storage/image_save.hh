// SPDX-License-Identifier: Apache-2.0
// save with choices: what push writes into folders and archives.
#pragma once

#include <string>

#include "base/file.hh"
#include "storage/image_store.hh"

namespace kist::storage {

struct FolderSave {
    FolderFormat format = FolderFormat::oci;
    std::string compression = {}; ///< of the layers: "gzip", "zstd"; empty: none
    int level = 0;                ///< 0: the usual one
    /// What the index of an OCI image layout calls the image, in place of its names. Empty: those.
    std::string called = {};
    /// The folder may be an OCI image layout already: the image is added, or takes the place of the one called so.
    bool add = false;
};
/// Durable when it returns. The digest of the (last) manifest that was written.
std::string save_folder(const Store&, const std::vector<ImageStore::SaveItem>&, const FolderSave&, const Dir& out);
/// One image as an oci-archive whose index calls it so.
std::string save_oci_archive(const Store&, const ImageStore::SaveItem&, const std::string& called, const Fd& out);

} // namespace kist::storage
