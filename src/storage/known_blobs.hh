// SPDX-License-Identifier: Apache-2.0
// layers/<chain id>/blobs.json: as what compressed blobs a layer's content is known, and which repositories have them. Only a
// memory that saves work: whoever loses it compresses again.
#pragma once

#include <string>
#include <vector>

#include "storage/layers.hh"

namespace kist::storage {

struct KnownBlob {
    std::string digest;
    std::int64_t size = 0;
    std::string compression;         ///< "gzip", "zstd", "none"
    std::vector<std::string> places; ///< "docker.io/library/busybox", newest first
    bool operator==(const KnownBlob&) const = default;
    static constexpr void fields(auto&& field) {
        field("digest", &KnownBlob::digest, required);
        field("size", &KnownBlob::size, required);
        field("compression", &KnownBlob::compression);
        field("places", &KnownBlob::places);
    }
};

/// Empty when nothing is known or the memory is damaged.
std::vector<KnownBlob> known_blobs(const LayerStore&, const std::string& chain_id);
/// Adds the blob, or the place to a blob that is known.
void note_known_blob(const LayerStore&, const std::string& chain_id, const KnownBlob& blob, const std::string& place);

/// "gzip" for a layer's media type; "" for an unknown one.
std::string compression_of(std::string_view media_type);
/// The other way round, of the OCI or of Docker's types.
std::string layer_type(const std::string& compression, bool docker);

} // namespace kist::storage
