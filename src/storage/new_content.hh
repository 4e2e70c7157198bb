// SPDX-License-Identifier: Apache-2.0
// Blobs that are kept as they are: what artifacts consist of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.hh"
#include "base/file.hh"
#include "base/ids.hh"
#include "storage/store.hh"

namespace kist::storage {

/// Bytes on their way to content/sha256/. Their file has no name before they are placed, so an interrupted command leaves nothing.
class NewContent {
public:
    /// Reads `from` to its end; `what` is for messages.
    NewContent(const Store&, const Fd& from, const std::string& what);
    NewContent(const Store&, std::string_view bytes);
    const Digest& digest() const { return digest_; }
    std::int64_t size() const { return size_; }
    /// Its first bytes, at most 512.
    const std::string& beginning() const { return beginning_; }
    /// Under the lock of the images, before the record that names it is written and while no removal can see it as unused.
    void place() const;
    /// So that what was placed before stays.
    void sync() const { folder_.sync(); }

private:
    void take(std::string_view bytes);
    Dir folder_;
    Fd file_;
    Digest digest_;
    std::int64_t size_ = 0;
    std::string beginning_;
};

/// Where content is kept, by the digits of its digest.
Dir content_folder(const Store&);
/// What is kept under this digest, to be read from its beginning. Throws NotFound.
Fd open_content(const Store&, const std::string& digest);

} // namespace kist::storage
