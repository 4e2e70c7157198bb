// SPDX-License-Identifier: Apache-2.0
// Manifest lists that are put together here before they go to a registry. A list is an image record without layers, whose
// manifest under content/ is the list: what the store does with images, names and removal among it, it does with lists.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/image_store.hh"
#include "storage/new_content.hh"

namespace kist::storage {

struct ManifestList {
    oci::Index index;
    std::vector<ListSource> sources; ///< one for each entry of the index
    const ListSource* source_of(const std::string& digest) const;
    void remove(const std::string& digest);
    /// Adds the entry, or replaces the one of the same digest.
    void add(const oci::Descriptor& entry, const ListSource& source);
};

class ManifestLists {
public:
    static constexpr std::size_t most_entries = 1000;

    explicit ManifestLists(const Store& store) : store_(store) {}

    /// Durable. Throws Error when the name is taken.
    Digest create(const Reference& name, const ManifestList&) const;
    /// `record` is of a list.
    ManifestList read(const ImageRecord& record) const;
    /// The images here that lists name, by id, with the lists' ids.
    std::map<std::string, std::vector<std::string>> named_images() const;
    /// Several commands that change one list do so one after the other. The new list is durable when this returns; a crash
    /// leaves the old one or the new one. `content`: what the new list's artifacts consist of.
    void change(const Digest& id, const std::function<void(ManifestList&)>& act,
                const std::vector<NewContent>& content = {}) const;
    /// The manifest of one of its artifacts.
    std::string artifact_text(const ListSource&) const;

private:
    Digest store_text(const std::string& text) const;
    std::int64_t size_of_artifacts(const ManifestList&) const;
    void remove_unused(const std::vector<std::string>& digests) const;
    const Store& store_;
};

/// The bytes that a list's digest is the digest of.
std::string list_text(const oci::Index&);

} // namespace kist::storage
