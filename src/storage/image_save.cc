// SPDX-License-Identifier: Apache-2.0
// save: images as a docker-archive (what `docker save` and `docker load` speak), an oci-archive, or a folder of either kind.
// Layers are put together again byte for byte, so every digest in the configuration holds.
#include "storage/image_save.hh"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <set>

#include <fcntl.h>
#include <sys/stat.h>
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

/// A layer on its way to where it belongs.
struct Writing {
    Assembling work;
    /// What is to be done once it is whole.
    std::function<void(const AssembleReply&)> finish;
};

/// Where the files of a saved image go.
class SaveTarget {
public:
    SaveTarget() = default;
    SaveTarget(const SaveTarget&) = delete;
    SaveTarget& operator=(const SaveTarget&) = delete;
    virtual ~SaveTarget() = default;
    virtual void file(const std::string& name, const std::string& bytes) = 0;
    /// The tar of a layer as `name`, or, where names tell digests, as what `name` makes of its digest.
    virtual Writing start_layer(const Dir& folder, const AssembleRequest& request, const std::string& name) = 0;
    /// False: nothing else is written before a layer is whole.
    virtual bool takes_several() const { return true; }
    /// What is there already of that name; empty: nothing.
    virtual std::string existing(const std::string&) { return ""; }
    virtual void finish() = 0;
};

/// Into a file, several layers are written at the same time, each at its place; into a pipe one after the other.
class ArchiveTarget : public SaveTarget {
public:
    explicit ArchiveTarget(const Fd& out) : out_(out), tar_(out), has_places_(is_plain_file(out)) {}
    void file(const std::string& name, const std::string& bytes) override { tar_.file(name, bytes); }
    bool takes_several() const override { return has_places_; }
    Writing start_layer(const Dir& folder, const AssembleRequest& request, const std::string& name) override {
        const std::int64_t size = request.tar_size;
        tar_.begin_file(name, size);
        if (!has_places_)
            return {start_assembling(folder, out_, request), [this, size](const auto&) { tar_.end_file(size); }};
        Writing writing{start_assembling(folder, place_here(), request), nullptr};
        if (::lseek(out_.get(), size, SEEK_CUR) < 0) throw SysError("writing the archive");
        tar_.end_file(size);
        return writing;
    }
    void finish() override { tar_.finish(); }

private:
    static bool is_plain_file(const Fd& fd) {
        struct stat status {};
        const int flags = ::fcntl(fd.get(), F_GETFL);
        return ::fstat(fd.get(), &status) == 0 && S_ISREG(status.st_mode) && flags >= 0 && (flags & O_APPEND) == 0;
    }
    /// The file once more, with a position of its own that begins where ours stands.
    Fd place_here() const {
        const off_t at = ::lseek(out_.get(), 0, SEEK_CUR);
        Fd place{::open(fmt::format("/proc/self/fd/{}", out_.get()).c_str(), O_WRONLY | O_CLOEXEC)};
        if (at < 0 || !place || ::lseek(place.get(), at, SEEK_SET) < 0) throw SysError("opening the archive");
        return place;
    }

    const Fd& out_;
    TarWriter tar_;
    const bool has_places_;
};

/// Files by name; "a/b/c" in folders that are made. A layer gets its name when it is whole and its digest is known.
class FolderTarget : public SaveTarget {
public:
    explicit FolderTarget(const Dir& out) : out_(out) {}
    void file(const std::string& name, const std::string& bytes) override {
        const auto [place, last] = place_of(name);
        write_full(open_unfinished(name), bytes, name);
        rename(place, last + unfinished, last);
    }
    Writing start_layer(const Dir& folder, const AssembleRequest& request, const std::string& name) override {
        const bool is_packed = !request.compression.empty();
        Writing writing{start_assembling(folder, open_unfinished(name), request), nullptr};
        writing.finish = [this, name, is_packed](const AssembleReply& reply) {
            const auto [place, last] = place_of(name);
            rename(place, last + unfinished, is_packed ? hex_of(reply.blob_digest) : last);
        };
        return writing;
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
    Fd open_unfinished(const std::string& name) const {
        const auto [place, last] = place_of(name);
        auto fd = place.open_file(last + unfinished, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (!fd) throw SysError("making '{}'", place.path_of(last + unfinished));
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
    Saving(const ImageStore& images, const Store& store, SaveTarget& target, FolderSave options = {})
        : images_(images), layers_(store), target_(target), options_(std::move(options)) {}

    void docker_archive(const std::vector<ImageStore::SaveItem>& items) {
        std::vector<oci::DockerArchiveEntry> entries;
        Value repositories = Value::object();
        for (const ImageStore::SaveItem& item : items) {
            oci::DockerArchiveEntry entry;
            entry.config = hex_of(item.image.id) + ".json";
            for (const LayerRecord& layer : layers_of(item.image)) {
                entry.layers.push_back(hex_of(layer.diff_id) + ".tar");
                start_layer(entry.layers.back(), layer);
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
        wait_for_all();
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
        std::vector<std::string> names;
        for (const LayerRecord& layer : layers_of(image)) {
            names.push_back(folder + hex_of(layer.diff_id));
            start_layer(names.back(), layer);
        }
        wait_for_all();
        std::vector<LayerBlob> blobs;
        for (const std::string& name : names) blobs.push_back(layers_written_.at(name));
        return blobs;
    }

    /// Images share layers, and one image may have the same layer twice: each is written once.
    void start_layer(const std::string& name, const LayerRecord& layer) {
        if (!layers_started_.insert(name).second) return;
        if (under_way_.size() >= unpackings_at_a_time()) wait_for_first();
        const AssembleRequest request{layer.diff_id, layer.tar_size, options_.compression, options_.level};
        under_way_.emplace_back(name, target_.start_layer(layers_.folder(layer.chain_id), request, name));
        if (!target_.takes_several()) wait_for_all();
    }
    void wait_for_first() {
        auto [name, writing] = std::move(under_way_.front());
        under_way_.pop_front();
        const AssembleReply reply = writing.work.wait();
        if (writing.finish) writing.finish(reply);
        layers_written_[name] = {reply.blob_digest, reply.blob_size, options_.compression};
    }
    void wait_for_all() {
        while (!under_way_.empty()) wait_for_first();
    }
    void add(const std::string& name, const std::string& bytes) {
        if (written_.insert(name).second) target_.file(name, bytes);
    }

    const ImageStore& images_;
    LayerStore layers_;
    SaveTarget& target_;
    const FolderSave options_;
    std::set<std::string> written_;
    std::set<std::string> layers_started_;
    std::deque<std::pair<std::string, Writing>> under_way_;
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
