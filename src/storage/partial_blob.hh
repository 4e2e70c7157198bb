// SPDX-License-Identifier: Apache-2.0
// content/partial/<hex>: the beginning of a blob whose transfer was cut off, so that the next pull goes on where it ended. Never
// believed: the digest of the whole blob is checked like any other.
#pragma once

#include <optional>

#include "base/ids.hh"
#include "storage/store.hh"

namespace kist::storage {

class PartialBlob {
public:
    /// Nothing while another command fetches the same blob.
    static std::optional<PartialBlob> open(const Store&, const Digest&);

    const Fd& file() const { return file_; } ///< stands at its end
    std::int64_t size() const { return size_; }
    /// The blob has come whole, or what is here is wrong.
    void discard();

private:
    PartialBlob(Dir folder, std::string name, Fd file, std::int64_t size)
        : folder_(std::move(folder)), name_(std::move(name)), file_(std::move(file)), size_(size) {}
    Dir folder_;
    std::string name_;
    Fd file_;
    std::int64_t size_;
};

/// Removes those that nobody has gone on with for a week; `all`: also the younger ones. Bytes that were freed.
std::int64_t sweep_partial_blobs(const Store&, bool all);

} // namespace kist::storage
