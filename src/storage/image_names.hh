// SPDX-License-Identifier: Apache-2.0
// images/names/: one symbolic link per name, whose text is "<image id> <full name>". Made and replaced in one step, read by
// one readlink; no link is ever followed.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file.hh"
#include "base/ids.hh"
#include "storage/image_store.hh"

namespace kist::storage {

class ImageNames {
public:
    explicit ImageNames(const Store& store) : store_(store) {}

    std::optional<Digest> find(const Reference&) const;
    /// All names, sorted. A link that is not ours is left out.
    std::vector<std::pair<Reference, Digest>> all() const;
    /// Durable. Replaces what the name meant.
    void set(const Reference&, const Digest&) const;
    /// The same, durable only after sync().
    void set_unsynced(const Reference&, const Digest&) const;
    void sync() const;
    /// False when it did not exist. Durable.
    bool remove(const Reference&) const;

private:
    const Store& store_;
};

/// The file name for a reference: "/" becomes "+", and a name that would be too long for a file becomes its digest.
std::string name_file(const Reference&);

} // namespace kist::storage
