// SPDX-License-Identifier: Apache-2.0
// mode layer: one tar stream becomes diff/ and tar-split.zst of the folder on descriptor 3.
#include <algorithm>
#include <limits>

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "unpack/byte_source.hh"
#include "unpack/confine.hh"
#include "unpack/modes.hh"
#include "unpack/pipeline.hh"
#include "unpack/reply.hh"
#include "unpack/tar_reader.hh"
#include "unpack/tree_writer.hh"

namespace kist::unpack {

std::uint64_t room_on_disk(const Fd& folder, std::int64_t asked) {
    if (asked > 0) return static_cast<std::uint64_t>(asked);
    struct statvfs fs;
    if (::fstatvfs(folder.get(), &fs) != 0) throw SysError("asking for free space");
    return static_cast<std::uint64_t>(fs.f_bavail) * fs.f_frsize;
}

namespace {

void check_digest(const std::string& wanted, const Digest& found, std::string_view what) {
    if (!wanted.empty() && wanted != found.str())
        throw Error("{} has the digest {}, not {}", what, found.str(), wanted);
}

void unpack_tree(Pipeline& pipeline, const Dir& layer, TarEnd end, storage::LayerReply& reply) {
    SplitWriter split(std::move(*layer.open_file("tar-split.zst", O_WRONLY | O_CREAT | O_EXCL)));
    TarReader tar(pipeline, split, end);
    TreeWriter tree(layer, tar);
    Entry entry;
    while (tar.next(entry)) tree.add(entry);
    tree.finish();
    split.finish();
    reply.size = static_cast<std::int64_t>(tree.bytes());
    reply.files = static_cast<std::int64_t>(tree.entries());
}

} // namespace

storage::LayerReply unpack_layer(const storage::LayerRequest& request) {
    const Fd archive{STDIN_FILENO};
    const Dir layer(Fd{storage::unpack_folder_fd}, "layer");
    const std::uint64_t room = room_on_disk(layer.fd(), request.byte_limit);
    confine(layer.fd(), Writes::yes);

    RawSource raw(archive, request.offset, request.size);
    const Compression compression = detect_compression(raw);
    const auto decoder = make_decoder(raw, compression);
    if (decoder) raw.hash_bytes();
    storage::LayerReply reply;
    Pipeline pipeline(decoder ? *decoder : raw, room);
    try {
        unpack_tree(pipeline, layer, request.diff_id.empty() ? TarEnd::strict : TarEnd::lenient, reply);
        const Digest diff_id = pipeline.finish();
        const Digest blob = decoder ? raw.finish_hash() : diff_id;
        check_digest(request.blob_digest, blob, "the layer's data");
        check_digest(request.diff_id, diff_id, "the unpacked layer");
        reply.diff_id = diff_id.str();
        reply.blob_digest = blob.str();
    } catch (const std::exception& error) {
        // Not by unwinding: the pipeline's reader may wait for input that never comes.
        storage::LayerReply failed;
        failed.error = error.what();
        reply_and_exit(failed);
    }
    reply.blob_size = static_cast<std::int64_t>(raw.bytes_read());
    reply.tar_size = static_cast<std::int64_t>(pipeline.bytes());
    return reply;
}

} // namespace kist::unpack
