// SPDX-License-Identifier: Apache-2.0
// mode extract: the files of a tar go into a folder of the root on descriptor 3, which somebody else may be changing.
#include <fcntl.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/in_root.hh"
#include "unpack/byte_source.hh"
#include "unpack/confine.hh"
#include "unpack/modes.hh"
#include "unpack/pipeline.hh"
#include "unpack/reply.hh"
#include "unpack/tar_reader.hh"
#include "unpack/tree_writer.hh"

namespace kist::unpack {

storage::ExtractReply extract_archive(const storage::ExtractRequest& request) {
    const Fd archive{STDIN_FILENO};
    Fd root{storage::unpack_folder_fd};
    const std::string target = request.path.empty() ? "/" : request.path;
    // A volume has other room than the root that it is mounted in.
    const std::uint64_t room = room_on_disk(open_in_root(root, target, O_RDONLY | O_DIRECTORY), 0);
    confine(root, Writes::yes);

    RawSource raw(archive, 0, -1);
    const auto decoder = make_decoder(raw, detect_compression(raw));
    Pipeline pipeline(decoder ? *decoder : raw, room);
    storage::ExtractReply reply;
    try {
        SplitWriter nothing;
        TarReader tar(pipeline, nothing, TarEnd::strict);
        TreeWriter tree(std::move(root), tar, request);
        Entry entry;
        while (tar.next(entry)) tree.add(entry);
        tree.finish();
        reply.files = static_cast<std::int64_t>(tree.entries());
    } catch (const std::exception& error) {
        // Not by unwinding: the pipeline's reader may wait for input that never comes.
        reply = {};
        reply.error = error.what();
        reply_and_exit(reply);
    }
    return reply;
}

} // namespace kist::unpack
