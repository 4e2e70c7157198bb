// SPDX-License-Identifier: Apache-2.0
// The outer tar of save: a few plain files with short names and no metadata, the same bytes for the same images.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.hh"

namespace kist::storage {

class TarWriter {
public:
    explicit TarWriter(const Fd& out) : out_(out) {}
    /// The caller writes `size` bytes to the descriptor, then calls end_file().
    void begin_file(const std::string& name, std::int64_t size);
    void end_file(std::int64_t size);
    void file(const std::string& name, std::string_view bytes);
    void finish();

private:
    const Fd& out_;
};

/// One ustar header block: a regular file, mode 0644, owner 0, time 0.
std::string ustar_header(const std::string& name, std::int64_t size);

} // namespace kist::storage
