// SPDX-License-Identifier: Apache-2.0
// isa-l has three levels of speed where gzip's users know nine; the result depends on nothing but bytes and level, so that a
// layer pushed twice has one digest.
#include "unpack/compressor.hh"

#include <algorithm>
#include <array>
#include <vector>

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include "base/error.hh"

namespace kist::unpack {
namespace {

constexpr std::size_t out_size = 256u << 10;
constexpr int usual_gzip = 5, usual_zstd = 3;

class Gzip : public Compressor {
public:
    Gzip(const Fd& out, int level) : Compressor(out), buffer_(out_size), level_buffer_(ISAL_DEF_LVL3_DEFAULT) {
        ::isal_deflate_init(&stream_);
        stream_.gzip_flag = IGZIP_GZIP;
        stream_.level = level <= 3 ? 1 : level <= 6 ? 2 : 3;
        stream_.level_buf = level_buffer_.data();
        stream_.level_buf_size = static_cast<std::uint32_t>(level_buffer_.size());
        stream_.flush = NO_FLUSH;
    }
    void put(std::string_view bytes) override { run(bytes, false); }
    void finish() override { run({}, true); }

private:
    void run(std::string_view bytes, bool is_end) {
        stream_.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data()));
        stream_.avail_in = static_cast<std::uint32_t>(bytes.size());
        stream_.end_of_stream = is_end ? 1 : 0;
        do {
            stream_.next_out = reinterpret_cast<std::uint8_t*>(buffer_.data());
            stream_.avail_out = static_cast<std::uint32_t>(buffer_.size());
            if (::isal_deflate(&stream_) != COMP_OK) throw Error("compressing the layer");
            write({buffer_.data(), buffer_.size() - stream_.avail_out});
        } while (stream_.avail_out == 0 || stream_.avail_in > 0 ||
                 (is_end && stream_.internal_state.state != ZSTATE_END));
    }

    isal_zstream stream_{};
    std::vector<char> buffer_;
    std::vector<std::uint8_t> level_buffer_;
};

class Zstd : public Compressor {
public:
    Zstd(const Fd& out, int level) : Compressor(out), buffer_(out_size) {
        if (!stream_ || ::ZSTD_isError(::ZSTD_CCtx_setParameter(stream_.get(), ZSTD_c_compressionLevel, level)) != 0 ||
            ::ZSTD_isError(::ZSTD_CCtx_setParameter(stream_.get(), ZSTD_c_checksumFlag, 1)) != 0)
            throw Error("starting zstd");
    }
    void put(std::string_view bytes) override { run(bytes, ZSTD_e_continue); }
    void finish() override { run({}, ZSTD_e_end); }

private:
    void run(std::string_view bytes, ZSTD_EndDirective directive) {
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        std::size_t left = 1;
        while (in.pos < in.size || (directive == ZSTD_e_end && left != 0)) {
            ZSTD_outBuffer to{buffer_.data(), buffer_.size(), 0};
            left = ::ZSTD_compressStream2(stream_.get(), &to, &in, directive);
            if (::ZSTD_isError(left) != 0) throw Error("compressing the layer: {}", ::ZSTD_getErrorName(left));
            write({buffer_.data(), to.pos});
        }
    }

    std::unique_ptr<ZSTD_CCtx, decltype(&::ZSTD_freeCCtx)> stream_{::ZSTD_createCCtx(), &::ZSTD_freeCCtx};
    std::vector<char> buffer_;
};

} // namespace

void Compressor::write(std::string_view bytes) {
    if (bytes.empty()) return;
    sha_.update(bytes);
    write_full(out_, bytes, "the archive");
    bytes_ += bytes.size();
}

std::unique_ptr<Compressor> make_compressor(const std::string& format, int level, const Fd& out) {
    if (format == "gzip") return std::make_unique<Gzip>(out, level == 0 ? usual_gzip : level);
    if (format == "zstd") return std::make_unique<Zstd>(out, level == 0 ? usual_zstd : level);
    throw Error("unknown compression '{}'", format);
}

} // namespace kist::unpack
