// SPDX-License-Identifier: Apache-2.0
// How an image comes into the store once its layers are there: the same for import, load, and later pull, commit and build.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/image_store.hh"
#include "storage/layers.hh"

namespace kist::storage {

struct NewImage {
    std::string config_text; ///< the image's id is its digest
    oci::ImageConfig config;
    std::string manifest_text, manifest_type; ///< empty: one is made, with uncompressed layers
};

/// Writes configuration and manifest, then the record, then the names; each durable before the next points at it. `layers`
/// (bottom first) are held by the caller until this returns. Takes ImageStore::lock().
Digest store_image(const Store&, const NewImage&, const std::vector<HeldLayer>& layers,
                   const std::vector<Reference>& names);

/// A layer as it is in an archive, a folder or a registry.
struct LayerBlob {
    std::string digest;
    std::int64_t size = 0;
    std::string compression = {}; ///< "gzip", "zstd"; empty: a plain tar
};
std::vector<LayerBlob> plain_blobs(const std::vector<HeldLayer>& layers);
std::string oci_manifest(const std::string& config_text, const std::vector<LayerBlob>& layers);
/// The same in Docker's schema 2.
std::string docker_manifest(const std::string& config_text, const std::vector<LayerBlob>& layers);

/// "amd64", "arm64", …: this machine in the words of image configurations.
oci::Platform host_platform();

} // namespace kist::storage
