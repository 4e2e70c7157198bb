// SPDX-License-Identifier: Apache-2.0
// Writing and reading tar-split.zst.
#include "unpack/split_file.hh"

#include <algorithm>
#include <cstring>

#include <zstd.h>

#include "base/error.hh"

namespace kist::unpack {
namespace {

constexpr const char* file_name = "tar-split.zst";
constexpr std::size_t raw_piece = 64u << 10;
/// Headers are nearly the same again and again: the fastest level already takes away nine tenths.
constexpr int level = 1;

template <std::size_t Bytes>
std::string little_endian(std::uint64_t value) {
    std::string text(Bytes, '\0');
    for (std::size_t i = 0; i < Bytes; ++i) text[i] = static_cast<char>(value >> (8 * i) & 0xff);
    return text;
}

} // namespace

struct SplitWriter::State {
    Fd file;
    std::unique_ptr<ZSTD_CCtx, decltype(&::ZSTD_freeCCtx)> stream{::ZSTD_createCCtx(), &::ZSTD_freeCCtx};
    std::string raw;
    std::vector<char> out = std::vector<char>(::ZSTD_CStreamOutSize());

    void compress(std::string_view bytes, ZSTD_EndDirective directive) {
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        std::size_t left = 1;
        while (in.pos < in.size || (directive == ZSTD_e_end && left != 0)) {
            ZSTD_outBuffer to{out.data(), out.size(), 0};
            left = ::ZSTD_compressStream2(stream.get(), &to, &in, directive);
            if (::ZSTD_isError(left) != 0) throw Error("writing '{}': {}", file_name, ::ZSTD_getErrorName(left));
            if (to.pos > 0) write_full(file, {out.data(), to.pos}, file_name);
        }
    }
};

SplitWriter::SplitWriter(Fd file) : state_(std::make_unique<State>()) {
    state_->file = std::move(file);
    ::ZSTD_CCtx_setParameter(state_->stream.get(), ZSTD_c_compressionLevel, level);
    ::ZSTD_CCtx_setParameter(state_->stream.get(), ZSTD_c_checksumFlag, 1);
}
SplitWriter::SplitWriter() = default;
SplitWriter::~SplitWriter() = default;

void SplitWriter::put(std::string_view bytes) { state_->compress(bytes, ZSTD_e_continue); }

void SplitWriter::flush_raw() {
    if (state_->raw.empty()) return;
    put("R" + little_endian<4>(state_->raw.size()));
    put(state_->raw);
    state_->raw.clear();
}

void SplitWriter::raw(std::string_view bytes) {
    if (!state_) return;
    state_->raw.append(bytes);
    if (state_->raw.size() >= raw_piece) flush_raw();
}

void SplitWriter::contents(std::string_view path, std::uint64_t size) {
    if (!state_) return;
    flush_raw();
    put("F" + little_endian<8>(size) + little_endian<4>(path.size()));
    put(path);
}

void SplitWriter::replaced(std::string_view path, std::uint32_t number) {
    if (!state_) return;
    flush_raw();
    put("M" + little_endian<4>(number) + little_endian<4>(path.size()));
    put(path);
}

void SplitWriter::finish() {
    if (!state_) return;
    flush_raw();
    state_->compress({}, ZSTD_e_end);
}

struct SplitReader::State {
    Fd file;
    std::unique_ptr<ZSTD_DCtx, decltype(&::ZSTD_freeDCtx)> stream{::ZSTD_createDCtx(), &::ZSTD_freeDCtx};
    std::vector<char> in = std::vector<char>(::ZSTD_DStreamInSize());
    std::vector<char> out = std::vector<char>(::ZSTD_DStreamOutSize());
    ZSTD_inBuffer input{nullptr, 0, 0};
    std::string_view ready;
    bool frame_done = true;

    /// False at the end of the file.
    bool refill() {
        while (ready.empty()) {
            if (input.pos == input.size) input = {in.data(), read_full(file, in, file_name), 0};
            if (input.size == 0) {
                if (!frame_done) throw Error("reading '{}': it is cut short", file_name);
                return false;
            }
            ZSTD_outBuffer to{out.data(), out.size(), 0};
            const std::size_t result = ::ZSTD_decompressStream(stream.get(), &to, &input);
            if (::ZSTD_isError(result) != 0)
                throw Error("reading '{}': it is damaged: {}", file_name, ::ZSTD_getErrorName(result));
            frame_done = result == 0;
            ready = {out.data(), to.pos};
        }
        return true;
    }
};

SplitReader::SplitReader(Fd file) : state_(std::make_unique<State>()) { state_->file = std::move(file); }
SplitReader::~SplitReader() = default;

bool SplitReader::take(char* to, std::size_t size) {
    while (size > 0) {
        if (!state_->refill()) return false;
        const std::size_t count = std::min(size, state_->ready.size());
        std::memcpy(to, state_->ready.data(), count);
        state_->ready.remove_prefix(count);
        to += count;
        size -= count;
    }
    return true;
}

std::uint64_t SplitReader::take_number(std::size_t bytes) {
    unsigned char raw[8] = {};
    if (!take(reinterpret_cast<char*>(raw), bytes)) throw Error("reading '{}': it is cut short", file_name);
    std::uint64_t value = 0;
    for (std::size_t i = bytes; i-- > 0;) value = value << 8 | raw[i];
    return value;
}

bool SplitReader::next(SplitRecord& record) {
    char kind = 0;
    if (!take(&kind, 1)) return false;
    switch (kind) {
    case 'R': record.kind = SplitRecord::Kind::raw; break;
    case 'F':
        record.kind = SplitRecord::Kind::contents;
        record.number = take_number(8);
        break;
    case 'M':
        record.kind = SplitRecord::Kind::replaced;
        record.number = take_number(4);
        break;
    default: throw Error("reading '{}': it is damaged", file_name);
    }
    const std::uint64_t length = take_number(4);
    if (length > (16u << 20)) throw Error("reading '{}': it is damaged", file_name);
    record.text.resize(length);
    if (!take(record.text.data(), length)) throw Error("reading '{}': it is cut short", file_name);
    return true;
}

} // namespace kist::unpack
