// SPDX-License-Identifier: Apache-2.0
// save: images as a docker-archive (what `docker save` and `docker load` speak), an oci-archive, or a folder of either kind.
// Layers are put together again byte for byte, so every digest in the configuration holds.
#include <map>
#include <set>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/json.hh"
#include "base/sha256.hh"
#include "base/text.hh"
#include "storage/event_log.hh"
#include "storage/image_writer.hh"
#include "storage/layers.hh"
#include "storage/tar_writer.hh"
#include "storage/unpack_client.hh"

namespace kist::storage {
namespace {

std::string hex_of(const std::string& digest) { return digest.substr(digest.find(':') + 1); }

/// Where the files of a saved image go.
class Target {
public:
    Target() = default;
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;
    virtual ~Target() = default;
    virtual void file(const std::string& name, const std::string& bytes) = 0;
    /// The tar of a layer as `name`, or, where names tell digests, as what `name_of` makes of its digest.
    virtual AssembleReply layer(const Dir& folder, const AssembleRequest& request, const std::string& name) = 0;
    virtual void finish() = 0;
};

class ArchiveTarget : public Target {
public:
    explicit ArchiveTarget(const Fd& out) : out_(out), tar_(out) {}
    void file(const std::string& name, const std::string& bytes) override { tar_.file(name, bytes); }
    AssembleReply layer(const Dir& folder, const AssembleRequest& request, const std::string& name) override {
        tar_.begin_file(name, request.tar_size);
        AssembleReply reply = assemble_tar(folder, out_, request);
        tar_.end_file(request.tar_size);
        return reply;
    }
    void finish() override { tar_.finish(); }

private:
    const Fd& out_;
    TarWriter tar_;
};

/// Files by name; "a/b/c" in folders that are made. A compressed layer gets its name when its digest is known.
class FolderTarget : public Target {
public:
    explicit FolderTarget(const Dir& out) : out_(out) {}
    void file(const std::string& name, const std::string& bytes) override { write_full(create(name), bytes, name); }
    AssembleReply layer(const Dir& folder, const AssembleRequest& request, const std::string& name) override {
        const AssembleReply reply = assemble_tar(folder, create(name), request);
        if (request.compression.empty()) return reply;
        const auto [place, last] = place_of(name);
        if (::renameat(place.fd().get(), last.c_str(), place.fd().get(), hex_of(reply.blob_digest).c_str()) != 0)
            throw SysError("writing '{}'", place.path_of(last));
        return reply;
    }
    void finish() override {
        if (::syncfs(out_.fd().get()) != 0) throw SysError("syncing '{}'", out_.path());
    }

private:
    std::pair<Dir, std::string> place_of(const std::string& name) const {
        Dir place(out_.fd().duplicate(), out_.path());
        std::vector<std::string> parts = split(name, '/');
        for (std::size_t i = 0; i + 1 < parts.size(); ++i) place = place.create_dir(parts[i], 0755);
        return {std::move(place), parts.back()};
    }
    Fd create(const std::string& name) const {
        const auto [place, last] = place_of(name);
        auto fd = place.open_file(last, O_WRONLY | O_CREAT | O_EXCL, 0644);
        if (!fd) throw SysError("making '{}'", place.path_of(last));
        return std::move(*fd);
    }
    const Dir& out_;
};

class Saving {
public:
    Saving(const ImageStore& images, const Store& store, Target& target, bool compress)
        : images_(images), layers_(store), target_(target), compress_(compress) {}

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
        target_.finish();
    }

    /// The OCI image layout: in an archive or in a folder.
    void oci_layout(const std::vector<ImageStore::SaveItem>& items) {
        oci::Index index;
        index.schema_version = 2;
        index.media_type = oci::media_type::oci_index;
        for (const ImageStore::SaveItem& item : items) {
            const std::string config = images_.raw_config(item.image);
            const std::string manifest = oci_manifest(config, add_layers(item.image, "blobs/sha256/"));
            add(blob_name(item.image.id), config);
            add(blob_name(sha256(manifest).str()), manifest);
            add_descriptors(index, item, manifest);
        }
        add("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
        add("index.json", json::dump(to_value(index)));
        target_.finish();
    }

    /// What skopeo and Podman call "dir:": one image, its manifest beside its blobs.
    void docker_folder(const ImageStore::SaveItem& item) {
        const std::string config = images_.raw_config(item.image);
        add("manifest.json", docker_manifest(config, add_layers(item.image, "")));
        add(hex_of(item.image.id), config);
        add("version", "Directory Transport Version: 1.1\n");
        target_.finish();
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
        descriptor.platform =
            oci::Platform{item.image.config.architecture, item.image.config.os, item.image.config.variant};
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

    std::vector<LayerBlob> add_layers(const ImageRecord& image, const std::string& folder) {
        std::vector<LayerBlob> blobs;
        for (const LayerRecord& layer : layers_of(image))
            blobs.push_back(add_layer(folder + hex_of(layer.diff_id), layer));
        return blobs;
    }

    /// Images share layers, and one image may have the same layer twice: each is written once.
    LayerBlob add_layer(const std::string& name, const LayerRecord& layer) {
        if (const auto known = layers_written_.find(name); known != layers_written_.end()) return known->second;
        const AssembleReply reply = target_.layer(layers_.folder(layer.chain_id),
                                                  {layer.diff_id, layer.tar_size, compress_ ? "gzip" : ""}, name);
        return layers_written_[name] = {reply.blob_digest, reply.blob_size, compress_};
    }
    void add(const std::string& name, const std::string& bytes) {
        if (written_.insert(name).second) target_.file(name, bytes);
    }

    const ImageStore& images_;
    LayerStore layers_;
    Target& target_;
    const bool compress_;
    std::set<std::string> written_;
    std::map<std::string, LayerBlob> layers_written_;
};

void tell(const Store& store, const std::vector<ImageStore::SaveItem>& items) {
    for (const ImageStore::SaveItem& item : items)
        append_event(store.data(),
                     {.type = "image",
                      .action = "save",
                      .id = item.image.id,
                      .attributes = {{"name", item.names.empty() ? item.image.id : item.names.front().familiar()}}});
}

} // namespace

void ImageStore::save(const std::vector<SaveItem>& items, ArchiveFormat format, const Fd& out) const {
    ArchiveTarget target(out);
    Saving saving(*this, store_, target, false);
    if (format == ArchiveFormat::docker_archive) saving.docker_archive(items);
    else saving.oci_layout(items);
    tell(store_, items);
}

void ImageStore::save(const std::vector<SaveItem>& items, FolderFormat format, const Dir& out, bool compress) const {
    FolderTarget target(out);
    Saving saving(*this, store_, target, compress);
    if (format == FolderFormat::oci) {
        saving.oci_layout(items);
    } else {
        if (items.size() != 1) throw UsageError("a docker-dir holds one image, not {}", items.size());
        saving.docker_folder(items.front());
    }
    tell(store_, items);
}

} // namespace kist::storage
