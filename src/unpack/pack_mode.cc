// SPDX-License-Identifier: Apache-2.0
// modes pack and expand: one file compressed or decoded, without a look at what it holds.
#include <vector>

#include <unistd.h>

#include "base/error.hh"
#include "unpack/byte_source.hh"
#include "unpack/compressor.hh"
#include "unpack/confine.hh"
#include "unpack/modes.hh"

namespace kist::unpack {
namespace {

constexpr std::size_t piece = 256u << 10;

template <typename Take>
void for_each_piece(ByteSource& source, Take take) {
    std::vector<char> buffer(piece);
    while (const std::size_t got = source.read(buffer)) take(std::string_view(buffer.data(), got));
}

} // namespace

storage::PackReply pack_file(const storage::PackRequest&) {
    const Fd in{STDIN_FILENO}, out{STDOUT_FILENO}, folder{storage::unpack_folder_fd};
    confine(folder, Writes::no);
    RawSource source(in, 0, -1);
    const auto compressor = make_compressor("gzip", 0, out);
    for_each_piece(source, [&](std::string_view bytes) { compressor->put(bytes); });
    compressor->finish();
    return {};
}

storage::PackReply expand_file(const storage::ExpandRequest& request) {
    const Fd in{STDIN_FILENO}, out{STDOUT_FILENO}, folder{storage::unpack_folder_fd};
    const std::uint64_t room = room_on_disk(folder, request.byte_limit);
    confine(folder, Writes::no);
    RawSource raw(in, 0, -1);
    const auto decoder = make_decoder(raw, detect_compression(raw));
    std::uint64_t written = 0;
    for_each_piece(decoder ? *decoder : static_cast<ByteSource&>(raw), [&](std::string_view bytes) {
        written += bytes.size();
        if (written > room) throw Error("it expands to more than {} bytes", room);
        write_full(out, bytes, "the temporary file");
    });
    return {};
}

} // namespace kist::unpack
