// SPDX-License-Identifier: Apache-2.0
// A tar on its way to a registry: gzip or zstd, hashed and counted as it leaves.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/fd.hh"
#include "base/sha256.hh"

namespace kist::unpack {

class Compressor {
public:
    virtual ~Compressor() = default;
    Compressor(const Compressor&) = delete;
    Compressor& operator=(const Compressor&) = delete;

    virtual void put(std::string_view bytes) = 0;
    /// Writes what is left. Nothing may be put afterwards.
    virtual void finish() = 0;
    /// Of what has been written, after finish().
    Digest digest() { return sha_.finish(); }
    std::uint64_t bytes() const { return bytes_; }

protected:
    explicit Compressor(const Fd& out) : out_(out) {}
    void write(std::string_view bytes);

private:
    const Fd& out_;
    Sha256 sha_;
    std::uint64_t bytes_ = 0;
};

/// `format`: "gzip" (level 1 to 9) or "zstd" (1 to 19); level 0: the usual one. Throws Error for others.
std::unique_ptr<Compressor> make_compressor(const std::string& format, int level, const Fd& out);

} // namespace kist::unpack
