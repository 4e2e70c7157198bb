// SPDX-License-Identifier: Apache-2.0
// Where bytes come from: a descriptor, or a decoder over another source. Everything is decoded in this process, never by a
// program that could be found in the wrong place (SECURITY P6).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/fd.hh"
#include "base/sha256.hh"

namespace kist::unpack {

class ByteSource {
public:
    ByteSource() = default;
    ByteSource(const ByteSource&) = delete;
    ByteSource& operator=(const ByteSource&) = delete;
    virtual ~ByteSource() = default;
    /// Up to `buffer.size()` bytes, at least one unless the end is reached. Throws Error for damaged or cut input.
    virtual std::size_t read(std::span<char> buffer) = 0;
};

/// The bytes of a descriptor as they are: a range of a file, or everything from a pipe.
class RawSource : public ByteSource {
public:
    /// `size` < 0: to the end. A range is read with pread, so several processes can share the open file.
    RawSource(const Fd& fd, std::int64_t offset, std::int64_t size);
    std::size_t read(std::span<char> buffer) override;

    /// The next bytes without taking them; fewer only at the end. At most 16.
    std::string_view peek(std::size_t count);
    std::uint64_t bytes_read() const { return taken_; }
    void hash_bytes() { hash_ = std::make_unique<Sha256>(); }
    Digest finish_hash() { return hash_->finish(); }

private:
    std::size_t read_some(std::span<char> buffer);
    const Fd& fd_;
    std::int64_t offset_;
    std::int64_t left_;
    char peeked_[16];
    std::size_t peeked_size_ = 0;
    std::uint64_t taken_ = 0;
    std::unique_ptr<Sha256> hash_;
};

enum class Compression { none, gzip, zstd, xz };

/// By the first bytes. Throws Error for a format that is known but not supported.
Compression detect_compression(RawSource&);
/// The decoded bytes of `source`, which must outlive it; null for Compression::none. Concatenated members are one stream, and
/// anything else behind the end is an Error, as is an expansion beyond limits.hh.
std::unique_ptr<ByteSource> make_decoder(RawSource& source, Compression);

} // namespace kist::unpack
