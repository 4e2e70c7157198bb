// SPDX-License-Identifier: Apache-2.0
// load: the images of a docker-archive, an oci-archive or a folder. kist-unpack says what is in it and where; which layers are
// missing is decided here, and only those are unpacked, straight from their place.
#include "storage/image_load.hh"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/sha256.hh"
#include "base/text.hh"
#include "storage/event_log.hh"
#include "storage/image_writer.hh"
#include "storage/layer_batch.hh"
#include "storage/layout_protocol.hh"
#include "storage/unpack_client.hh"

namespace kist::storage {
namespace {

/// A file without a name: it goes with this process, however that ends.
Fd make_spool(const Dir& folder) {
    Fd fd{::openat(folder.fd().get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
    if (fd) return fd;
    if (errno != EOPNOTSUPP && errno != EISDIR) throw SysError("making a temporary file in '{}'", folder.path());
    fd = std::move(*folder.open_file("spool", O_RDWR | O_CREAT | O_EXCL));
    folder.remove_file("spool");
    return fd;
}

std::vector<Reference> names_in(const ArchiveImage& image) {
    std::vector<Reference> names;
    for (const std::string& text : image.names) {
        if (text.empty() || text == "<none>:<none>") continue;
        try {
            names.push_back(Reference::parse(text));
        } catch (const Error& error) { // not our user's wrong use of a command, as it is where a user writes a name
            throw Error("a name in the archive: {}", error.message());
        }
    }
    return names;
}

void check(const ArchiveImage& image) {
    const auto& diff_ids = image.config.rootfs.diff_ids;
    if (image.layers.size() != diff_ids.size())
        throw Error("the configuration has {} layers, the archive {}", diff_ids.size(), image.layers.size());
    for (const std::string& id : diff_ids)
        if (!Digest::parse(id)) throw Error("'{}' is no layer digest", printable(id));
}

/// Where layers are read from.
class Source {
public:
    explicit Source(const Fd& archive) : archive_(&archive) {}
    Source(const Dir& folder, bool plain) : folder_(&folder), plain_(plain) {}

    Unpacking start(const ArchiveLayer& layer, const std::string& diff_id, const Dir& to) const {
        LayerRequest request;
        request.offset = layer.offset;
        request.size = layer.size;
        request.blob_digest = layer.blob_digest;
        request.diff_id = diff_id;
        if (folder_ == nullptr) return start_layer(*archive_, to, request);
        return start_layer(open_blob(layer.blob_digest), to, request);
    }

private:
    Fd open_blob(const std::string& text) const {
        const auto digest = Digest::parse(text);
        if (!digest) throw Error("'{}' is no digest", printable(text));
        auto file = plain_ ? folder_->open_file(digest->hex(), O_RDONLY)
                           : folder_->open_dir("blobs").open_dir("sha256").open_file(digest->hex(), O_RDONLY);
        if (!file) throw Error("the folder has no blob '{}'", text);
        return std::move(*file);
    }
    const Fd* archive_ = nullptr;
    const Dir* folder_ = nullptr;
    bool plain_ = false;
};

class Loading {
public:
    Loading(const Store& store, const Source& source, const LoadOptions& options)
        : store_(store), layers_(store), work_(store), source_(source), options_(options) {}

    std::vector<ImageStore::Loaded> load_all(const std::vector<ArchiveImage>& images) const {
        if (options_.only_one && images.size() > 1)
            throw Error("there are {} images in it: say which one", images.size());
        std::vector<ImageStore::Loaded> loaded;
        for (const ArchiveImage& image : images) loaded.push_back(load(image));
        return loaded;
    }

private:
    ImageStore::Loaded load(const ArchiveImage& image) const {
        check(image);
        ImageStore::Loaded loaded;
        loaded.names = options_.names.empty() ? names_in(image) : options_.names;
        LayerBatch batch(layers_, work_);
        for (std::size_t i = 0; i < image.layers.size(); ++i)
            batch.add(image.config.rootfs.diff_ids[i], [&](const Dir& folder) { return start(image, i, folder); });
        const std::vector<HeldLayer> held = batch.finish();
        NewImage fresh{image.config_text, image.config, image.manifest_text, image.manifest_type};
        loaded.id = store_image(store_, fresh, held, loaded.names);
        return loaded;
    }

    Unpacking start(const ArchiveImage& image, std::size_t index, const Dir& folder) const {
        const std::string& diff_id = image.config.rootfs.diff_ids[index];
        if (options_.progress)
            options_.progress(fmt::format("{}: loading layer {} of {}", Digest::parse(diff_id)->short_id(), index + 1,
                                          image.layers.size()));
        return source_.start(image.layers[index], diff_id, folder);
    }

    const Store& store_;
    LayerStore layers_;
    WorkFolder work_;
    const Source& source_;
    const LoadOptions& options_;
};

/// Of a docker-archive: any spelling of the name. Of an OCI index: as it stands there, and "latest", which is no name of an
/// image, for one that has none.
bool is_called(const ArchiveImage& image, const std::string& name) {
    const auto wanted = Reference::try_parse(name);
    if (image.names.empty()) return name == "latest";
    return std::any_of(image.names.begin(), image.names.end(), [&](const std::string& text) {
        return text == name || (image.manifest_text.empty() && wanted && Reference::try_parse(text) == wanted);
    });
}

void choose(std::vector<ArchiveImage>& images, const LoadOptions& options) {
    if (options.called.empty()) return;
    std::erase_if(images, [&](const ArchiveImage& image) { return !is_called(image, options.called); });
    if (images.empty()) throw Error("there is no image '{}' in it", printable(options.called));
}

template <typename Request>
Request request_for(const LoadOptions& options) {
    const oci::Platform platform = options.platform.value_or(host_platform());
    Request request;
    request.os = platform.os;
    request.architecture = platform.architecture;
    request.variant = platform.variant;
    return request;
}

void tell(const Store& store, const std::vector<ImageStore::Loaded>& loaded) {
    for (const ImageStore::Loaded& image : loaded)
        append_event(store.data(),
                     {.type = "image",
                      .action = "load",
                      .id = image.id.str(),
                      .attributes = {{"name", image.names.empty() ? image.id.str() : image.names.front().familiar()}}});
}

} // namespace

std::vector<ImageStore::Loaded> load_archive(const Store& store, const Fd& archive, const LoadOptions& options) {
    sweep_work_folders(store);
    std::vector<ImageStore::Loaded> loaded;
    try {
        const WorkFolder work(store);
        const Fd spool = make_spool(work.dir());
        IndexReply index =
            index_archive(archive, work.dir().create_dir("index"), spool, request_for<IndexRequest>(options));
        choose(index.images, options);
        loaded = Loading(store, Source(index.spooled ? spool : archive), options).load_all(index.images);
    } catch (Error& error) {
        error.while_doing("loading the archive");
        throw;
    }
    tell(store, loaded);
    return loaded;
}

std::vector<ImageStore::Loaded> load_folder(const Store& store, const Dir& folder, bool plain,
                                            const LoadOptions& options) {
    sweep_work_folders(store);
    std::vector<ImageStore::Loaded> loaded;
    try {
        auto request = request_for<LayoutRequest>(options);
        request.plain = plain;
        request.name = options.called;
        loaded = Loading(store, Source(folder, plain), options).load_all(index_layout(folder, request).images);
    } catch (Error& error) {
        error.while_doing("loading the folder '{}'", folder.path());
        throw;
    }
    tell(store, loaded);
    return loaded;
}

std::vector<ImageStore::Loaded> ImageStore::load(const Fd& archive,
                                                 const std::function<void(const std::string&)>& progress,
                                                 const std::optional<oci::Platform>& platform) {
    return load_archive(store_, archive, {.progress = progress, .platform = platform});
}

} // namespace kist::storage
