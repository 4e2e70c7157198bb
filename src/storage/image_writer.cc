// SPDX-License-Identifier: Apache-2.0
// Storing an image's small files in the right order.
#include "storage/image_writer.hh"

#include <array>

#include <sys/utsname.h>

#include "base/error.hh"
#include "base/json.hh"
#include "base/rollback.hh"
#include "base/sha256.hh"
#include "base/time.hh"
#include "storage/image_names.hh"
#include "storage/known_blobs.hh"
#include "storage/new_content.hh"
#include "storage/record.hh"

namespace kist::storage {
namespace {

oci::Descriptor descriptor(std::string_view type, const std::string& digest, std::int64_t size) {
    oci::Descriptor d;
    d.media_type = type;
    d.digest = digest;
    d.size = size;
    return d;
}

bool is_whole(const Dir& folder, const Digest& digest, const std::string& bytes) {
    try {
        return read_file_if_exists(folder, digest.hex(), bytes.size() + 1) == bytes;
    } catch (const Error&) { // damaged: it is longer, or cannot be read
        return false;
    }
}

std::optional<ImageRecord> read_if_whole(const Dir& images, const std::string& name) {
    try {
        return read_record<ImageRecord>(images, name);
    } catch (const Error&) { // damaged: it is written anew
        return std::nullopt;
    }
}

ImageRecord make_record(const Digest& id, const NewImage& image, const Digest& manifest,
                        const std::vector<HeldLayer>& layers) {
    ImageRecord record;
    record.id = id.str();
    record.manifest_digest = manifest.str();
    record.manifest_type =
        image.manifest_type.empty() ? std::string(oci::media_type::oci_manifest) : image.manifest_type;
    for (const HeldLayer& layer : layers) {
        record.chain_ids.push_back(layer.record.chain_id);
        record.size += layer.record.size;
    }
    if (!record.chain_ids.empty()) record.top_layer = record.chain_ids.back();
    record.config = image.config;
    record.created = parse_rfc3339(image.config.created).value_or(Moment{}).ns;
    record.stored = Moment::now().ns;
    return record;
}

} // namespace

namespace {

struct MediaTypes {
    std::string_view manifest, config;
    bool docker;
};

std::string make_manifest(const std::string& config_text, const std::vector<LayerBlob>& layers,
                          const MediaTypes& types) {
    oci::Manifest manifest;
    manifest.schema_version = 2;
    manifest.media_type = types.manifest;
    manifest.config =
        descriptor(types.config, sha256(config_text).str(), static_cast<std::int64_t>(config_text.size()));
    for (const LayerBlob& layer : layers)
        manifest.layers.push_back(descriptor(layer_type(layer.compression, types.docker), layer.digest, layer.size));
    return json::dump(to_value(manifest));
}

} // namespace

std::vector<LayerBlob> plain_blobs(const std::vector<HeldLayer>& layers) {
    std::vector<LayerBlob> blobs;
    for (const HeldLayer& layer : layers) blobs.push_back({layer.record.diff_id, layer.record.tar_size});
    return blobs;
}

std::string oci_manifest(const std::string& config_text, const std::vector<LayerBlob>& layers) {
    using namespace oci::media_type;
    return make_manifest(config_text, layers, {oci::media_type::oci_manifest, oci_config, false});
}

std::string docker_manifest(const std::string& config_text, const std::vector<LayerBlob>& layers) {
    using namespace oci::media_type;
    return make_manifest(config_text, layers, {oci::media_type::docker_manifest, docker_config, true});
}

Digest store_image(const Store& store, const NewImage& image, const std::vector<HeldLayer>& layers,
                   const std::vector<Reference>& names) {
    const std::string manifest =
        image.manifest_text.empty() ? oci_manifest(image.config_text, plain_blobs(layers)) : image.manifest_text;
    const Digest id = sha256(image.config_text);
    const Digest manifest_digest = sha256(manifest);

    const FileLock held = ImageStore(store).lock();
    const Dir images = store.data().create_dir("images");
    const std::string record_name = id.hex() + ".json";
    const ImageNames image_names(store);
    // Renames of one journal come to disk in their order; so one wait for all of them is enough.
    const Dir content = content_folder(store);
    AtomicFiles files;
    Rollback undo; // an image that could not be given its names is of no use to anybody
    const auto is_new = [&](const Dir& folder, const std::string& name) {
        if (!folder.exists(name)) undo.add([&folder, name] { folder.remove_file(name); });
    };
    is_new(content, id.hex());
    is_new(content, manifest_digest.hex());
    is_new(images, record_name);
    if (!is_whole(content, id, image.config_text)) files.add(content, id.hex(), image.config_text);
    auto record = read_if_whole(images, record_name);
    bool is_changed = !record.has_value();
    if (!record) {
        if (!is_whole(content, manifest_digest, manifest)) files.add(content, manifest_digest.hex(), manifest);
        record = make_record(id, image, manifest_digest, layers);
    }
    std::vector<Reference> fresh; // a pull of what is here already waits for no disk
    for (const Reference& name : names)
        if (image_names.find(name) != id) fresh.push_back(name);
    for (const Reference& name : fresh) is_changed |= record->was_named(name);
    if (is_changed) files.add(images, record_name, seal_record(to_value(*record)));
    files.place();
    for (const Reference& name : fresh) image_names.set_unsynced(name, id);
    files.sync();
    if (!fresh.empty()) image_names.sync();
    undo.commit();
    return id;
}

oci::Platform host_platform() {
    struct utsname name;
    if (::uname(&name) != 0) throw SysError("asking for the machine's architecture");
    const std::string_view machine = name.machine;
    struct Known {
        std::string_view machine, architecture, variant;
    };
    constexpr std::array<Known, 8> known{{{"x86_64", "amd64", ""},
                                          {"aarch64", "arm64", "v8"},
                                          {"armv7l", "arm", "v7"},
                                          {"armv6l", "arm", "v6"},
                                          {"i686", "386", ""},
                                          {"ppc64le", "ppc64le", ""},
                                          {"riscv64", "riscv64", ""},
                                          {"s390x", "s390x", ""}}};
    oci::Platform platform;
    platform.os = "linux";
    platform.architecture = machine;
    for (const Known& k : known) {
        if (k.machine != machine) continue;
        platform.architecture = k.architecture;
        platform.variant = k.variant;
    }
    return platform;
}

} // namespace kist::storage
