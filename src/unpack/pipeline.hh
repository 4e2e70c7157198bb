// SPDX-License-Identifier: Apache-2.0
// Reading and decoding, hashing, and unpacking at the same time: a ring of chunks that one thread fills, a second hashes and
// the caller's consumes. Memory is the ring's; whoever is slowest makes the others wait.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <thread>

#include "base/sha256.hh"
#include "unpack/byte_source.hh"

namespace kist::unpack {

class Pipeline {
public:
    /// `byte_limit`: of what comes out; more is an Error.
    Pipeline(ByteSource& source, std::uint64_t byte_limit);
    ~Pipeline();
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    /// The next chunk, valid until the next call; empty at the end. All but the last have the same size, a multiple of 512.
    /// Throws what the source threw.
    std::span<const char> next();
    /// SHA-256 of everything. Only after next() returned the end.
    Digest finish();
    std::uint64_t bytes() const { return bytes_; }

private:
    static constexpr std::size_t chunk_size = 256u << 10;
    static constexpr std::size_t slots = 16;
    struct Slot {
        std::unique_ptr<char[]> data;
        std::size_t size = 0;
    };
    void produce(ByteSource& source, std::uint64_t byte_limit) noexcept;
    std::size_t fill(ByteSource& source, Slot& slot) const;
    void hash() noexcept;

    std::array<Slot, slots> ring_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t produced_ = 0, hashed_ = 0, consumed_ = 0; // chunks, guarded by mutex_
    bool ended_ = false, abandoned_ = false;                 // guarded by mutex_
    std::exception_ptr failure_;                             // guarded by mutex_
    bool holds_chunk_ = false;
    std::uint64_t bytes_ = 0;
    Sha256 sha_;
    std::thread producer_, hasher_;
};

} // namespace kist::unpack
