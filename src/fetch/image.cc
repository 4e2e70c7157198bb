// SPDX-License-Identifier: Apache-2.0
// Chooses a manifest by platform and reads what it names.
#include "fetch/image.hh"

#include <algorithm>

#include "base/error.hh"
#include "base/ids.hh"
#include "base/json.hh"
#include "base/sha256.hh"
#include "base/text.hh"

namespace kist::fetch {
namespace {

using namespace oci::media_type;
constexpr json::Limits manifest_json{.bytes = 4u << 20, .depth = 64, .values = 200'000};
constexpr std::size_t most_layers = 512;
constexpr std::size_t most_entries = 1000;

constexpr std::string_view types[] = {oci_index, docker_list, oci_manifest, docker_manifest};

/// A document that can be read in two ways is read in none (CVE-2021-41190), nor is one that another type is claimed for.
bool is_list(const Value& document, const std::string& said_type) {
    if (!document.is_object()) throw Error("the manifest is no JSON object");
    const bool list = document.find("manifests") != nullptr;
    if (list && (document.find("layers") != nullptr || document.find("config") != nullptr ||
                 document.find("fsLayers") != nullptr))
        throw Error("the manifest is a list and an image at once: refused");
    const Value* own = document.find("mediaType");
    const std::string type = own != nullptr && own->is_string() ? own->as_string() : "";
    for (const std::string& text : {type, said_type}) {
        if (std::find(std::begin(types), std::end(types), text) == std::end(types)) continue;
        if ((text == oci_index || text == docker_list) != list || (!type.empty() && text != type))
            throw Error("the manifest is not of the type '{}' that the registry gives it", printable(text));
    }
    return list;
}

const oci::Descriptor& choose(const oci::Index& index, const oci::Platform& wanted) {
    const oci::Descriptor* fallback = nullptr;
    for (const oci::Descriptor& entry : index.manifests) {
        if (!entry.platform || entry.platform->os != wanted.os || entry.platform->architecture != wanted.architecture)
            continue;
        if (wanted.variant.empty() || entry.platform->variant == wanted.variant) return entry;
        if (fallback == nullptr && entry.platform->variant.empty()) fallback = &entry;
    }
    if (fallback != nullptr) return *fallback;
    throw Error("the image is not there for platform {}/{}", printable(wanted.os), printable(wanted.architecture));
}

void check_layers(const oci::Manifest& manifest) {
    if (!manifest.config) throw Error("the manifest names no configuration");
    if (manifest.layers.size() > most_layers) throw Error("the manifest has more than {} layers", most_layers);
    static const std::vector<std::string_view> known = {oci_layer, oci_layer_gzip, oci_layer_zstd, docker_layer_gzip,
                                                        docker_layer};
    for (const oci::Descriptor& layer : manifest.layers) {
        if (layer.media_type.find("foreign") != std::string::npos ||
            layer.media_type.find("nondistributable") != std::string::npos)
            throw Error("layer {} is foreign, to be had elsewhere only: refused", printable(layer.digest));
        if (std::find(known.begin(), known.end(), layer.media_type) == known.end())
            throw Error("layer {} has the unknown type '{}'", printable(layer.digest), printable(layer.media_type));
        if (!Digest::parse(layer.digest) || layer.size < 0) throw Error("'{}' is no layer", printable(layer.digest));
    }
}

std::string checked_digest(const oci::Descriptor& entry) {
    if (!Digest::parse(entry.digest)) throw Error("'{}' is no digest", printable(entry.digest));
    return entry.digest;
}

} // namespace

std::vector<std::string> manifest_types() { return {std::begin(types), std::end(types)}; }

registry::FoundImage find_image(Session& session, const std::string& reference, const oci::Platform& wanted,
                                const std::vector<std::string>& known) {
    registry::FoundImage found;
    Session::Text text = session.text("manifests/" + reference, manifest_types(), registry::manifest_limit);
    found.said_digest = text.digest;
    Value document = json::parse(text.bytes, "manifest", manifest_json);
    if (is_list(document, text.type)) {
        const auto index = from_value<oci::Index>(document, "manifest list");
        found.list_text = std::move(text.bytes);
        found.manifest_digest = checked_digest(choose(index, wanted));
        text = session.text("manifests/" + found.manifest_digest, manifest_types(), registry::manifest_limit);
        document = json::parse(text.bytes, "manifest", manifest_json);
        if (is_list(document, text.type)) throw Error("the manifest list names another list");
    }
    const auto manifest = from_value<oci::Manifest>(document, "manifest");
    if (manifest.schema_version != 2) throw Error("manifests of schema {} are not supported", manifest.schema_version);
    check_layers(manifest);
    found.manifest_text = std::move(text.bytes);
    if (std::find(known.begin(), known.end(), sha256(found.manifest_text).str()) != known.end()) return found;
    found.manifest_type = manifest.media_type.empty() ? std::string(oci_manifest) : manifest.media_type;
    found.layers = manifest.layers;
    found.config_digest = checked_digest(*manifest.config);
    found.config_text = session.text("blobs/" + found.config_digest, {}, registry::manifest_limit).bytes;
    found.config = from_value<oci::ImageConfig>(json::parse(found.config_text, "image configuration", manifest_json),
                                                "image configuration");
    return found;
}

namespace {

void check_entries(const std::vector<oci::Descriptor>& entries) {
    if (entries.size() > most_entries) throw Error("the manifest names more than {} others", most_entries);
    for (const oci::Descriptor& entry : entries)
        if (!Digest::parse(entry.digest) || entry.size < 0) throw Error("'{}' is no digest", printable(entry.digest));
}

oci::Platform platform_of(Session& session, const oci::Descriptor& config) {
    if (config.media_type != oci_config && config.media_type != docker_config) return {};
    const std::string text = session.text("blobs/" + config.digest, {}, registry::manifest_limit).bytes;
    const auto image =
        from_value<oci::ImageConfig>(json::parse(text, "image configuration", manifest_json), "image configuration");
    return {image.architecture, image.os, image.variant};
}

} // namespace

registry::FoundManifest describe(Session& session, const std::string& reference) {
    registry::FoundManifest found;
    Session::Text text = session.text("manifests/" + reference, manifest_types(), registry::manifest_limit);
    found.said_digest = text.digest;
    const Value document = json::parse(text.bytes, "manifest", manifest_json);
    if (is_list(document, text.type)) {
        const auto index = from_value<oci::Index>(document, "manifest list");
        found.type = index.media_type.empty() ? std::string(oci_index) : index.media_type;
        found.entries = index.manifests;
    } else {
        const auto manifest = from_value<oci::Manifest>(document, "manifest");
        if (manifest.schema_version != 2)
            throw Error("manifests of schema {} are not supported", manifest.schema_version);
        if (!manifest.config) throw Error("the manifest names no configuration");
        found.type = manifest.media_type.empty() ? std::string(oci_manifest) : manifest.media_type;
        found.blobs = manifest.layers;
        found.blobs.insert(found.blobs.begin(), *manifest.config);
        check_entries(found.blobs);
        found.platform = platform_of(session, *manifest.config);
    }
    check_entries(found.entries);
    found.text = std::move(text.bytes);
    return found;
}

} // namespace kist::fetch
