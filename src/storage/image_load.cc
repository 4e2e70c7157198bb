// SPDX-License-Identifier: Apache-2.0
// load: the images of a docker-archive or oci-archive. kist-unpack says what is in it and where; which layers are missing is
// decided here, and only those are unpacked, straight from their place in the archive.
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/sha256.hh"
#include "base/text.hh"
#include "storage/event_log.hh"
#include "storage/image_writer.hh"
#include "storage/layer_batch.hh"
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

class Loading {
public:
    Loading(const Store& store, const Fd& data, const std::function<void(const std::string&)>& progress)
        : store_(store), layers_(store), work_(store), data_(data), progress_(progress) {}

    ImageStore::Loaded load(const ArchiveImage& image) const {
        check(image);
        ImageStore::Loaded loaded;
        loaded.names = names_in(image);
        LayerBatch batch(layers_, work_);
        for (std::size_t i = 0; i < image.layers.size(); ++i)
            batch.add(image.config.rootfs.diff_ids[i], [&](const Dir& folder) { return start(image, i, folder); });
        const std::vector<HeldLayer> held = batch.finish();
        NewImage fresh{image.config_text, image.config, image.manifest_text, image.manifest_type};
        loaded.id = store_image(store_, fresh, held, loaded.names);
        return loaded;
    }

private:
    Unpacking start(const ArchiveImage& image, std::size_t index, const Dir& folder) const {
        const std::string& diff_id = image.config.rootfs.diff_ids[index];
        if (progress_)
            progress_(fmt::format("{}: loading layer {} of {}", Digest::parse(diff_id)->short_id(), index + 1,
                                  image.layers.size()));
        LayerRequest request;
        request.offset = image.layers[index].offset;
        request.size = image.layers[index].size;
        request.blob_digest = image.layers[index].blob_digest;
        request.diff_id = diff_id;
        return start_layer(data_, folder, request);
    }

    const Store& store_;
    LayerStore layers_;
    WorkFolder work_;
    const Fd& data_;
    const std::function<void(const std::string&)>& progress_;
};

} // namespace

std::vector<ImageStore::Loaded> ImageStore::load(const Fd& archive,
                                                 const std::function<void(const std::string&)>& progress) {
    sweep_work_folders(store_);
    std::vector<Loaded> loaded;
    try {
        const WorkFolder work(store_);
        const Fd spool = make_spool(work.dir());
        const oci::Platform host = host_platform();
        IndexRequest request;
        request.os = host.os;
        request.architecture = host.architecture;
        request.variant = host.variant;
        const IndexReply index = index_archive(archive, work.dir().create_dir("index"), spool, request);
        const Loading loading(store_, index.spooled ? spool : archive, progress);
        for (const ArchiveImage& image : index.images) loaded.push_back(loading.load(image));
    } catch (Error& error) {
        error.while_doing("loading the archive");
        throw;
    }
    for (const Loaded& image : loaded)
        append_event(store_.data(),
                     {.type = "image",
                      .action = "load",
                      .id = image.id.str(),
                      .attributes = {{"name", image.names.empty() ? image.id.str() : image.names.front().familiar()}}});
    return loaded;
}

} // namespace kist::storage
