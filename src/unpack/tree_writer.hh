// SPDX-License-Identifier: Apache-2.0
// Puts entries of a layer's tar into diff/, in the form that overlay wants (whiteouts as devices 0:0, opaque folders by
// attribute), or the files of any tar into a container or volume. Everything goes through one folder descriptor: parents by
// openat2 confined to it, leaves by single names that are never followed (SECURITY P7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.hh"
#include "storage/unpack_protocol.hh"
#include "unpack/tar_reader.hh"

namespace kist::unpack {

class TreeWriter {
public:
    /// `layer` gets replaced/ when a file is replaced; diff/ exists.
    TreeWriter(const Dir& layer, TarReader& tar);
    /// Plain files below `root`, as `rules` say. Somebody else may change the tree meanwhile.
    TreeWriter(Fd root, TarReader& tar, storage::ExtractRequest rules);

    /// Takes the entry's payload from the reader.
    void add(const Entry&);
    /// Times and default ACLs of folders, which later entries would have disturbed.
    void finish();
    std::uint64_t bytes() const { return bytes_; }
    std::uint64_t entries() const { return entries_; }

private:
    struct Place {
        int parent = -1; ///< owned by the cache: valid until the next look-up
        std::string leaf;
        std::string path;
    };
    struct FolderTime {
        std::string path;
        TarTime time;
    };
    struct FolderAttribute {
        std::string path, name, value;
    };
    bool is_layer() const { return !rules_; }
    Entry as_ruled(const Entry&) const;
    std::string path_in_root(const std::string& name) const;
    void dispatch(const Entry&, const std::string& path);
    int parent_of(const std::string& path);
    Place place_of(const std::string& path);

    void add_root(const Entry&);
    bool add_whiteout(const Entry&, const Place&);
    void add_file(const Entry&, const Place&);
    void add_folder(const Entry&, const Place&);
    void add_symlink(const Entry&, const Place&);
    void add_hard_link(const Entry&, const Place&);
    void add_node(const Entry&, const Place&);

    Fd create_file(const Entry&, const Place&);
    void write_plain(const Entry&, const Place&, const Fd&);
    void write_sparse(const Entry&, const Fd&);
    void apply_metadata(const Entry&, const Fd&, bool is_fresh_root_file);
    void make_opaque(const std::string& folder);
    /// Makes way for a new entry; true when a whiteout was there.
    bool clear(const Place&);

    const Dir* layer_ = nullptr;
    Fd root_;
    std::optional<storage::ExtractRequest> rules_;
    TarReader& tar_;
    std::unordered_map<std::string, Fd> parents_; ///< by cleaned path
    /// a folder or link was replaced: look up again from the next entry on
    bool parents_are_stale_ = false;
    std::vector<FolderTime> folder_times_;
    std::vector<FolderAttribute> folder_attributes_;
    bool seen_setgid_folder_ = false;
    std::uint32_t replaced_ = 0;
    std::uint64_t bytes_ = 0, entries_ = 0;
};

/// "./a//b/../c" and "/a/c" give "a/c"; the root gives "". Throws Error for a name that climbs out or has an overlong part.
std::string clean_entry_path(std::string_view name);

} // namespace kist::unpack
