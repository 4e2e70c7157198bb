// SPDX-License-Identifier: Apache-2.0
#include "unpack/gzip_writer.hh"

#include <vector>

#include <isa-l/igzip_lib.h>

#include "base/error.hh"

namespace kist::unpack {

struct GzipWriter::State {
    isal_zstream stream;
    std::vector<std::uint8_t> level_buffer = std::vector<std::uint8_t>(ISAL_DEF_LVL1_DEFAULT);
    std::vector<std::uint8_t> out = std::vector<std::uint8_t>(256u << 10);
};

GzipWriter::GzipWriter(const Fd& out) : out_(out), state_(std::make_unique<State>()) {
    ::isal_deflate_init(&state_->stream);
    state_->stream.level = 1;
    state_->stream.level_buf = state_->level_buffer.data();
    state_->stream.level_buf_size = static_cast<std::uint32_t>(state_->level_buffer.size());
    state_->stream.gzip_flag = IGZIP_GZIP;
}
GzipWriter::~GzipWriter() = default;

void GzipWriter::deflate(std::string_view bytes, bool is_last) {
    isal_zstream& stream = state_->stream;
    stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data())); // the library only reads it
    stream.avail_in = static_cast<std::uint32_t>(bytes.size());
    stream.end_of_stream = is_last ? 1 : 0;
    stream.flush = NO_FLUSH;
    do {
        stream.next_out = state_->out.data();
        stream.avail_out = static_cast<std::uint32_t>(state_->out.size());
        if (const int result = ::isal_deflate(&stream); result != COMP_OK) throw Error("compressing the layer: error {}", result);
        const std::string_view made(reinterpret_cast<const char*>(state_->out.data()), state_->out.size() - stream.avail_out);
        sha_.update(made);
        bytes_ += made.size();
        write_full(out_, made, "the archive");
    } while (stream.avail_out == 0);
}

void GzipWriter::write(std::string_view bytes) {
    constexpr std::size_t piece = 1u << 20;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) deflate(bytes.substr(0, piece), false);
}

Digest GzipWriter::finish() {
    deflate({}, true);
    return sha_.finish();
}

} // namespace kist::unpack
