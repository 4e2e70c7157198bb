// SPDX-License-Identifier: Apache-2.0
// Compresses into a descriptor by isa-l, and knows the digest of what came out. The same bytes give the same bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/fd.hh"
#include "base/sha256.hh"

namespace kist::unpack {

class GzipWriter {
public:
    explicit GzipWriter(const Fd& out);
    ~GzipWriter();
    GzipWriter(const GzipWriter&) = delete;
    GzipWriter& operator=(const GzipWriter&) = delete;

    void write(std::string_view bytes);
    /// Once, at the end.
    Digest finish();
    std::uint64_t bytes() const { return bytes_; }

private:
    void deflate(std::string_view bytes, bool is_last);
    struct State;
    const Fd& out_;
    std::unique_ptr<State> state_;
    Sha256 sha_;
    std::uint64_t bytes_ = 0;
};

} // namespace kist::unpack
