// SPDX-License-Identifier: Apache-2.0
// save: images as a docker-archive (what `docker save` and `docker load` speak) or an oci-archive. Layers are plain tars, put
// together again byte for byte, so every digest in the configuration holds.
#include <set>

#include "base/error.hh"
#include "base/json.hh"
#include "base/sha256.hh"
#include "storage/event_log.hh"
#include "storage/image_writer.hh"
#include "storage/layers.hh"
#include "storage/tar_writer.hh"
#include "storage/unpack_client.hh"

namespace kist::storage {
namespace {

std::string hex_of(const std::string& digest) { return digest.substr(digest.find(':') + 1); }

class Saving {
public:
    Saving(const ImageStore& images, const Store& store, const Fd& out) : images_(images), layers_(store), out_(out), tar_(out) {}

    void docker_archive(const std::vector<ImageStore::SaveItem>& items) {
        std::vector<oci::DockerArchiveEntry> entries;
        Value repositories = Value::object();
        for (const ImageStore::SaveItem& item : items) {
            oci::DockerArchiveEntry entry;
            entry.config = hex_of(item.image.id) + ".json";
            for (const LayerRecord& layer : layers_of(item.image)) {
                entry.layers.push_back(hex_of(layer.diff_id) + ".tar");
                add_layer(entry.layers.back(), layer);
            }
            for (const Reference& name : item.names) {
                if (name.tag.empty()) continue;
                // The whole name: Podman would take a short one for localhost's; Docker reads both.
                entry.repo_tags.push_back(name.domain + "/" + name.path + ":" + name.tag);
                if (!entry.layers.empty()) add_repository(repositories, name, entry.layers.back());
            }
            add(entry.config, images_.raw_config(item.image));
            entries.push_back(std::move(entry));
        }
        add("manifest.json", json::dump(to_value(entries)));
        if (!repositories.as_object().empty()) add("repositories", json::dump(repositories));
        tar_.finish();
    }

    void oci_archive(const std::vector<ImageStore::SaveItem>& items) {
        oci::Index index;
        index.schema_version = 2;
        index.media_type = oci::media_type::oci_index;
        for (const ImageStore::SaveItem& item : items) {
            const auto layers = layers_of(item.image);
            for (const LayerRecord& layer : layers) add_layer(blob_name(layer.diff_id), layer);
            const std::string config = images_.raw_config(item.image);
            const std::string manifest = plain_manifest(config, layers);
            add(blob_name(item.image.id), config);
            add(blob_name(sha256(manifest).str()), manifest);
            add_descriptors(index, item, manifest);
        }
        add("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
        add("index.json", json::dump(to_value(index)));
        tar_.finish();
    }

private:
    static std::string blob_name(const std::string& digest) { return "blobs/sha256/" + hex_of(digest); }

    static void add_repository(Value& repositories, const Reference& name, const std::string& top) {
        const std::string repository = name.familiar_name();
        if (repositories.find(repository) == nullptr) repositories.set(repository, Value::object());
        repositories.find(repository)->set(name.tag, top.substr(0, top.find('.')));
    }

    static void add_descriptors(oci::Index& index, const ImageStore::SaveItem& item, const std::string& manifest) {
        oci::Descriptor descriptor;
        descriptor.media_type = oci::media_type::oci_manifest;
        descriptor.digest = sha256(manifest).str();
        descriptor.size = static_cast<std::int64_t>(manifest.size());
        descriptor.platform = oci::Platform{item.image.config.architecture, item.image.config.os, item.image.config.variant};
        bool is_named = false;
        for (const Reference& name : item.names) {
            if (name.tag.empty()) continue;
            is_named = true;
            descriptor.annotations["io.containerd.image.name"] = name.str();
            descriptor.annotations["org.opencontainers.image.ref.name"] = name.str();
            index.manifests.push_back(descriptor);
        }
        if (!is_named) index.manifests.push_back(descriptor);
    }

    std::vector<LayerRecord> layers_of(const ImageRecord& image) const {
        std::vector<LayerRecord> layers;
        for (const std::string& chain : image.chain_ids) layers.push_back(images_.layer(chain));
        return layers;
    }

    /// Images share layers, and one image may have the same layer twice: each is written once.
    void add_layer(const std::string& name, const LayerRecord& layer) {
        if (!written_.insert(name).second) return;
        tar_.begin_file(name, layer.tar_size);
        assemble_tar(layers_.folder(layer.chain_id), out_, {layer.diff_id, layer.tar_size});
        tar_.end_file(layer.tar_size);
    }
    void add(const std::string& name, const std::string& bytes) {
        if (written_.insert(name).second) tar_.file(name, bytes);
    }

    const ImageStore& images_;
    LayerStore layers_;
    const Fd& out_;
    TarWriter tar_;
    std::set<std::string> written_;
};

} // namespace

void ImageStore::save(const std::vector<SaveItem>& items, ArchiveFormat format, const Fd& out) const {
    Saving saving(*this, store_, out);
    if (format == ArchiveFormat::docker_archive)
        saving.docker_archive(items);
    else
        saving.oci_archive(items);
    for (const SaveItem& item : items)
        append_event(store_.data(), {.type = "image",
                                     .action = "save",
                                     .id = item.image.id,
                                     .attributes = {{"name", item.names.empty() ? item.image.id : item.names.front().familiar()}}});
}

} // namespace kist::storage
