// SPDX-License-Identifier: Apache-2.0
// Reading and decoding archives: gzip by isa-l, zstd, xz.
#include "unpack/byte_source.hh"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <unistd.h>
#include <zstd.h>

#include "base/error.hh"
#include "unpack/limits.hh"

namespace kist::unpack {

RawSource::RawSource(const Fd& fd, std::int64_t offset, std::int64_t size) : fd_(fd), offset_(offset), left_(size) {}

std::size_t RawSource::read_some(std::span<char> buffer) {
    if (left_ >= 0) buffer = buffer.first(std::min(buffer.size(), static_cast<std::size_t>(left_)));
    if (buffer.empty()) return 0;
    ssize_t got;
    do {
        got = left_ >= 0 ? ::pread(fd_.get(), buffer.data(), buffer.size(), offset_)
                         : ::read(fd_.get(), buffer.data(), buffer.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0) throw SysError("reading the archive");
    if (left_ >= 0) {
        if (got == 0) throw Error("the archive is cut short");
        left_ -= got;
        offset_ += got;
    }
    return static_cast<std::size_t>(got);
}

std::string_view RawSource::peek(std::size_t count) {
    while (peeked_size_ < count) {
        const std::size_t got = read_some(std::span(peeked_).subspan(peeked_size_, count - peeked_size_));
        if (got == 0) break;
        peeked_size_ += got;
    }
    return {peeked_, peeked_size_};
}

std::size_t RawSource::read(std::span<char> buffer) {
    std::size_t got = std::min(peeked_size_, buffer.size());
    if (got > 0) {
        std::memcpy(buffer.data(), peeked_, got);
        std::memmove(peeked_, peeked_ + got, peeked_size_ - got);
        peeked_size_ -= got;
    } else {
        got = read_some(buffer);
    }
    taken_ += got;
    if (hash_) hash_->update({buffer.data(), got});
    return got;
}

Compression detect_compression(RawSource& source) {
    const std::string_view start = source.peek(6);
    if (start.starts_with("\x1f\x8b")) return Compression::gzip;
    if (start.starts_with("\x28\xb5\x2f\xfd")) return Compression::zstd;
    if (start.size() >= 4 && (start[0] & 0xf0) == 0x50 && start.substr(1).starts_with("\x2a\x4d\x18"))
        return Compression::zstd;
    if (start.starts_with(std::string_view("\xfd"
                                           "7zXZ\0",
                                           6)))
        return Compression::xz;
    if (start.starts_with("BZh"))
        throw Error("the archive is compressed by bzip2, which is not supported (gzip, zstd and xz are)");
    return Compression::none;
}

namespace {

constexpr std::size_t input_size = 128u << 10;

/// What the decoders share: a buffer of compressed bytes and the bound on expansion.
class Decoder : public ByteSource {
public:
    explicit Decoder(RawSource& source) : source_(source), buffer_(input_size) {}

    std::size_t read(std::span<char> out) final {
        while (!finished_) {
            if (unused_.empty() && !at_end_) refill();
            const std::size_t got = decode(out);
            produced_ += got;
            if (produced_ > limits::expansion_free_bytes && produced_ / limits::expansion_ratio > source_.bytes_read())
                throw Error("the archive expands more than {}-fold: refused as a decompression bomb",
                            limits::expansion_ratio);
            if (got > 0) return got;
        }
        return 0;
    }

protected:
    /// Takes from unused_, fills `out`. May return 0 to ask for more input; calls member_ended() between members.
    virtual std::size_t decode(std::span<char> out) = 0;

    /// True when another member follows. Sets finished_ at a clean end.
    bool member_ended() {
        if (unused_.empty() && !at_end_) refill();
        finished_ = unused_.empty() && at_end_;
        return !finished_;
    }
    [[noreturn]] void cut_short() const { throw Error("the compressed data is cut short"); }

    std::string_view unused_;
    bool at_end_ = false;
    bool finished_ = false;

private:
    void refill() {
        const std::size_t got = source_.read(buffer_);
        at_end_ = got == 0;
        unused_ = {buffer_.data(), got};
    }
    RawSource& source_;
    std::vector<char> buffer_;
    std::uint64_t produced_ = 0;
};

class GzipDecoder : public Decoder {
public:
    explicit GzipDecoder(RawSource& source) : Decoder(source), state_(std::make_unique<inflate_state>()) {
        start_member();
    }

private:
    void start_member() {
        ::isal_inflate_init(state_.get());
        state_->crc_flag = ISAL_GZIP;
    }
    std::size_t decode(std::span<char> out) override {
        state_->next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(unused_.data()));
        state_->avail_in = static_cast<std::uint32_t>(unused_.size());
        state_->next_out = reinterpret_cast<std::uint8_t*>(out.data());
        state_->avail_out = static_cast<std::uint32_t>(out.size());
        const int result = ::isal_inflate(state_.get());
        const std::size_t used = unused_.size() - state_->avail_in;
        const std::size_t got = out.size() - state_->avail_out;
        unused_.remove_prefix(used);
        if (result < 0)
            throw Error("the gzip data is damaged{}",
                        result == ISAL_INCORRECT_CHECKSUM ? ": its checksum does not match" : "");
        if (state_->block_state == ISAL_BLOCK_FINISH) {
            if (member_ended()) start_member();
        } else if (got == 0 && used == 0 && at_end_) {
            cut_short();
        }
        return got;
    }
    std::unique_ptr<inflate_state> state_;
};

class ZstdDecoder : public Decoder {
public:
    explicit ZstdDecoder(RawSource& source) : Decoder(source), stream_(::ZSTD_createDCtx(), &::ZSTD_freeDCtx) {
        if (!stream_) throw Error("making a zstd decoder: out of memory");
        ::ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, limits::zstd_window_log);
    }

private:
    std::size_t decode(std::span<char> out) override {
        ZSTD_inBuffer in{unused_.data(), unused_.size(), 0};
        ZSTD_outBuffer to{out.data(), out.size(), 0};
        const std::size_t result = ::ZSTD_decompressStream(stream_.get(), &to, &in);
        if (::ZSTD_isError(result) != 0) throw Error("the zstd data is damaged: {}", ::ZSTD_getErrorName(result));
        unused_.remove_prefix(in.pos);
        if (result == 0) member_ended(); // a decoder that finished a frame begins the next one by itself
        else if (to.pos == 0 && in.pos == 0 && at_end_) cut_short();
        return to.pos;
    }
    std::unique_ptr<ZSTD_DCtx, decltype(&::ZSTD_freeDCtx)> stream_;
};

class XzDecoder : public Decoder {
public:
    explicit XzDecoder(RawSource& source) : Decoder(source) {
        if (::lzma_stream_decoder(&stream_, limits::xz_memory, LZMA_CONCATENATED) != LZMA_OK)
            throw Error("making an xz decoder: out of memory");
    }
    ~XzDecoder() override { ::lzma_end(&stream_); }

private:
    std::size_t decode(std::span<char> out) override {
        stream_.next_in = reinterpret_cast<const std::uint8_t*>(unused_.data());
        stream_.avail_in = unused_.size();
        stream_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
        stream_.avail_out = out.size();
        const lzma_ret result = ::lzma_code(&stream_, at_end_ ? LZMA_FINISH : LZMA_RUN);
        unused_.remove_prefix(unused_.size() - stream_.avail_in);
        const std::size_t got = out.size() - stream_.avail_out;
        if (result == LZMA_STREAM_END) finished_ = true;
        else if (result == LZMA_BUF_ERROR && at_end_) cut_short();
        else if (result == LZMA_MEMLIMIT_ERROR)
            throw Error("the xz data needs more than {} MiB of memory to unpack", limits::xz_memory >> 20);
        else if (result != LZMA_OK && result != LZMA_BUF_ERROR) throw Error("the xz data is damaged");
        return got;
    }
    lzma_stream stream_ = LZMA_STREAM_INIT;
};

} // namespace

std::unique_ptr<ByteSource> make_decoder(RawSource& source, Compression compression) {
    switch (compression) {
    case Compression::gzip: return std::make_unique<GzipDecoder>(source);
    case Compression::zstd: return std::make_unique<ZstdDecoder>(source);
    case Compression::xz: return std::make_unique<XzDecoder>(source);
    case Compression::none: break;
    }
    return nullptr;
}

} // namespace kist::unpack
