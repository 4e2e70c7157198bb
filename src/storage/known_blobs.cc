// SPDX-License-Identifier: Apache-2.0
// Bounded: a layer that is pushed everywhere must not grow a file without end.
#include "storage/known_blobs.hh"

#include <algorithm>

#include "base/error.hh"
#include "storage/record.hh"

namespace kist::storage {
namespace {

constexpr const char* file_name = "blobs.json";
constexpr std::size_t most_blobs = 8, most_places = 16;

struct KnownBlobs {
    int schema = 1;
    std::vector<KnownBlob> blobs;
    static constexpr void fields(auto&& field) {
        field("schema", &KnownBlobs::schema, required);
        field("blobs", &KnownBlobs::blobs);
    }
};

std::vector<KnownBlob> read(const Dir& folder) {
    try {
        auto known = read_record<KnownBlobs>(folder, file_name);
        return known ? std::move(known->blobs) : std::vector<KnownBlob>{};
    } catch (const Error&) { // only a memory
        return {};
    }
}

} // namespace

std::vector<KnownBlob> known_blobs(const LayerStore& layers, const std::string& chain_id) {
    return read(layers.folder(chain_id));
}

void note_known_blob(const LayerStore& layers, const std::string& chain_id, const KnownBlob& blob,
                     const std::string& place) {
    const Dir folder = layers.folder(chain_id);
    KnownBlobs known;
    known.blobs = read(folder);
    auto found = std::find_if(known.blobs.begin(), known.blobs.end(),
                              [&](const KnownBlob& b) { return b.digest == blob.digest; });
    if (found != known.blobs.end() && (place.empty() || (!found->places.empty() && found->places.front() == place)))
        return;
    if (found == known.blobs.end()) found = known.blobs.insert(known.blobs.begin(), blob);
    std::erase(found->places, place);
    if (!place.empty()) found->places.insert(found->places.begin(), place);
    if (found->places.size() > most_places) found->places.resize(most_places);
    if (known.blobs.size() > most_blobs) known.blobs.resize(most_blobs);
    write_record(folder, file_name, known, Durability::volatile_);
}

std::string compression_of(std::string_view type) {
    using namespace oci::media_type;
    if (type == oci_layer_gzip || type == docker_layer_gzip) return "gzip";
    if (type == oci_layer_zstd) return "zstd";
    return type == oci_layer || type == docker_layer ? "none" : "";
}

std::string layer_type(const std::string& compression, bool docker) {
    using namespace oci::media_type;
    if (compression == "zstd") return std::string(oci_layer_zstd);
    if (compression == "gzip") return std::string(docker ? docker_layer_gzip : oci_layer_gzip);
    return std::string(docker ? docker_layer : oci_layer);
}

} // namespace kist::storage
