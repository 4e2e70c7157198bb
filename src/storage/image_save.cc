// SPDX-License-Identifier: Apache-2.0
// save: images as a docker-archive (what `docker save` and `docker load` speak), an oci-archive, or a folder of either kind.
// Layers are put together again byte for byte, so every digest in the configuration holds.
#include "storage/image_save.hh"

#include <algorithm>
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
#include "storage/known_blobs.hh"
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
    /// What is there already of that name; empty: nothing.
    virtual std::string existing(const std::string&) { return ""; }
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

/// Files by name; "a/b/c" in folders that are made. A layer gets its name when it is whole and its digest is known.
class FolderTarget : public Target {
public:
    explicit FolderTarget(const Dir& out) : out_(out) {}
    void file(const std::string& name, const std::string& bytes) override {
        const auto [place, last] = place_of(name);
        write_full(open(place, last + unfinished), bytes, name);
        rename(place, last + unfinished, last);
    }
    AssembleReply layer(const Dir& folder, const AssembleRequest& request, const std::string& name) override {
        const auto [place, last] = place_of(name);
        AssembleReply reply = assemble_tar(folder, open(place, last + unfinished), request);
        rename(place, last + unfinished, request.compression.empty() ? last : hex_of(reply.blob_digest));
        return reply;
    }
    std::string existing(const std::string& name) override {
        const auto [place, last] = place_of(name);
        return read_file_if_exists(place, last, index_limit).value_or("");
    }
    void finish() override {
        if (::syncfs(out_.fd().get()) != 0) throw SysError("syncing '{}'", out_.path());
    }

private:
    static constexpr const char* unfinished = ".partial";
    static constexpr std::size_t index_limit = 4u << 20;

    std::pair<Dir, std::string> place_of(const std::string& name) const {
        Dir place(out_.fd().duplicate(), out_.path());
        std::vector<std::string> parts = split(name, '/');
        for (std::size_t i = 0; i + 1 < parts.size(); ++i) place = place.create_dir(parts[i], 0755);
        return {std::move(place), parts.back()};
    }
    static Fd open(const Dir& place, const std::string& name) {
        auto fd = place.open_file(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (!fd) throw SysError("making '{}'", place.path_of(name));
        return std::move(*fd);
    }
    static void rename(const Dir& place, const std::string& from, const std::string& to) {
        if (::renameat(place.fd().get(), from.c_str(), place.fd().get(), to.c_str()) != 0)
            throw SysError("writing '{}'", place.path_of(to));
    }
    const Dir& out_;
};

/// Takes entries of that name, which are replaced, off the index of a layout.
Value index_without(const std::string& text, const std::string& called) {
    if (text.empty()) {
        oci::Index fresh;
        fresh.schema_version = 2;
        fresh.media_type = oci::media_type::oci_index;
        return to_value(fresh);
    }
    Value index = json::parse(text, "index.json");
    Value* entries = index.find("manifests");
    if (entries == nullptr || !entries->is_list()) throw Error("'index.json' has no list of manifests");
    std::erase_if(entries->as_list(), [&](const Value& entry) {
        const Value* notes = entry.find("annotations");
        const Value* name = notes != nullptr ? notes->find("org.opencontainers.image.ref.name") : nullptr;
        return name != nullptr ? name->is_string() && name->as_string() == called : called.empty();
    });
    return index;
}

class Saving {
public:
    Saving(const ImageStore& images, const Store& store, Target& target, FolderSave options = {})
        : images_(images), layers_(store), target_(target), options_(std::move(options)) {}

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
    std::string oci_layout(const std::vector<ImageStore::SaveItem>& items) {
        Value index = index_without(options_.add ? target_.existing("index.json") : "", options_.called);
        std::string digest;
        for (const ImageStore::SaveItem& item : items) {
            const std::string config = images_.raw_config(item.image);
            const std::string manifest = oci_manifest(config, add_layers(item.image, "blobs/sha256/"));
            digest = sha256(manifest).str();
            add(blob_name(item.image.id), config);
            add(blob_name(digest), manifest);
            for (const oci::Descriptor& entry : descriptors(item, manifest)) {
                if (index.find("manifests") == nullptr) index.set("manifests", Value::list());
                index.find("manifests")->push(to_value(entry));
            }
        }
        add("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
        add("index.json", json::dump(index)); // last: what it names is there
        target_.finish();
        return digest;
    }

    /// What skopeo and Podman call "dir:": one image, its manifest beside its blobs.
    std::string docker_folder(const ImageStore::SaveItem& item) {
        const std::string config = images_.raw_config(item.image);
        const auto layers = add_layers(item.image, "");
        // Docker's manifest has no type for zstd
        const std::string manifest =
            options_.compression == "zstd" ? oci_manifest(config, layers) : docker_manifest(config, layers);
        add("manifest.json", manifest);
        add(hex_of(item.image.id), config);
        add("version", "Directory Transport Version: 1.1\n");
        target_.finish();
        return sha256(manifest).str();
    }

private:
    static std::string blob_name(const std::string& digest) { return "blobs/sha256/" + hex_of(digest); }

    static void add_repository(Value& repositories, const Reference& name, const std::string& top) {
        const std::string repository = name.familiar_name();
        if (repositories.find(repository) == nullptr) repositories.set(repository, Value::object());
        repositories.find(repository)->set(name.tag, top.substr(0, top.find('.')));
    }

    std::vector<oci::Descriptor> descriptors(const ImageStore::SaveItem& item, const std::string& manifest) const {
        oci::Descriptor descriptor;
        descriptor.media_type = oci::media_type::oci_manifest;
        descriptor.digest = sha256(manifest).str();
        descriptor.size = static_cast<std::int64_t>(manifest.size());
        descriptor.platform =
            oci::Platform{item.image.config.architecture, item.image.config.os, item.image.config.variant};
        if (!options_.called.empty()) {
            descriptor.annotations["org.opencontainers.image.ref.name"] = options_.called;
            return {descriptor};
        }
        std::vector<oci::Descriptor> all;
        for (const Reference& name : item.names) {
            if (name.tag.empty() || options_.add) continue;
            descriptor.annotations["io.containerd.image.name"] = name.str();
            descriptor.annotations["org.opencontainers.image.ref.name"] = name.str();
            all.push_back(descriptor);
        }
        if (all.empty()) all.push_back(descriptor);
        return all;
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
        const AssembleReply reply =
            target_.layer(layers_.folder(layer.chain_id),
                          {layer.diff_id, layer.tar_size, options_.compression, options_.level}, name);
        return layers_written_[name] = {reply.blob_digest, reply.blob_size, options_.compression};
    }
    void add(const std::string& name, const std::string& bytes) {
        if (written_.insert(name).second) target_.file(name, bytes);
    }

    const ImageStore& images_;
    LayerStore layers_;
    Target& target_;
    const FolderSave options_;
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
    Saving saving(*this, store_, target);
    if (format == ArchiveFormat::docker_archive) saving.docker_archive(items);
    else saving.oci_layout(items);
    tell(store_, items);
}

void ImageStore::save(const std::vector<SaveItem>& items, FolderFormat format, const Dir& out, bool compress) const {
    save_folder(store_, items, {.format = format, .compression = compress ? "gzip" : ""}, out);
}

std::string save_folder(const Store& store, const std::vector<ImageStore::SaveItem>& items, const FolderSave& options,
                        const Dir& out) {
    const ImageStore images(store);
    FolderTarget target(out);
    Saving saving(images, store, target, options);
    if (options.format == FolderFormat::docker && items.size() != 1)
        throw UsageError("a docker-dir holds one image, not {}", items.size());
    std::string digest =
        options.format == FolderFormat::oci ? saving.oci_layout(items) : saving.docker_folder(items.front());
    tell(store, items);
    return digest;
}

std::string save_oci_archive(const Store& store, const ImageStore::SaveItem& item, const std::string& called,
                             const Fd& out) {
    const ImageStore images(store);
    ArchiveTarget target(out);
    std::string digest = Saving(images, store, target, {.called = called}).oci_layout({item});
    tell(store, {item});
    return digest;
}

} // namespace kist::storage
