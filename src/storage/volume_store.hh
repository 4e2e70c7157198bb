// SPDX-License-Identifier: Apache-2.0
// volumes/<name>/: volume.json, _data, and `fresh` until the first mount has filled _data from an image. A volume is visible by
// one rename when all is on disk, and gone by one rename before its data are removed: a crash leaves only a temporary name, which
// no reader takes for a volume and the next sweep() removes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.hh"
#include "base/file.hh"
#include "base/lock.hh"
#include "storage/store.hh"

namespace kist::storage {

struct VolumeRecord {
    int schema = 1;
    std::string name;
    std::int64_t created = 0; ///< nanoseconds since 1970
    std::string driver = "local";
    bool anonymous = false;
    /// Of a --rm container: it vanishes with its owner, and what a lost boot has left of it is removed.
    bool auto_remove = false;
    std::string owner; ///< id of the container that an anonymous one was made for
    std::map<std::string, std::string> labels, options;
    std::uint32_t uid = 0, gid = 0;              ///< of _data when it was made
    std::int64_t size_limit = 0, file_limit = 0; ///< bytes and number; 0: none
    std::uint32_t project = 0;                   ///< of the file system's quota, with a limit
    bool operator==(const VolumeRecord&) const = default;
    static constexpr void fields(auto&& field) {
        field("schema", &VolumeRecord::schema, required);
        field("name", &VolumeRecord::name, required);
        field("created", &VolumeRecord::created);
        field("driver", &VolumeRecord::driver);
        field("anonymous", &VolumeRecord::anonymous);
        field("auto_remove", &VolumeRecord::auto_remove);
        field("owner", &VolumeRecord::owner);
        field("labels", &VolumeRecord::labels);
        field("options", &VolumeRecord::options);
        field("uid", &VolumeRecord::uid);
        field("gid", &VolumeRecord::gid);
        field("size_limit", &VolumeRecord::size_limit);
        field("file_limit", &VolumeRecord::file_limit);
        field("project", &VolumeRecord::project);
    }
};

/// [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 240 characters.
bool is_volume_name(std::string_view);
/// Of an anonymous volume: tells its container, so that what an interrupted command leaves is found by its name.
std::string anonymous_volume_name(const std::string& container_id);

class VolumeStore {
public:
    explicit VolumeStore(const Store& store) : store_(store) {}

    /// Durable (but for auto_remove). Sets `project` when there is a limit. False, and nothing changed, when the name is taken. Throws UsageError for a bad name.
    bool create(VolumeRecord) const;
    /// Nothing when there is no such volume; throws for a damaged record.
    std::optional<VolumeRecord> find(const std::string& name) const;
    /// Also of one with a damaged record.
    bool exists(const std::string& name) const;
    /// Sorted; a volume with a damaged record is among them.
    std::vector<std::string> names() const;
    /// volumes/<name>. Throws NotFound.
    Dir folder(const std::string& name) const;
    /// The folder a container sees, absolute. It need not exist.
    std::string data_path(const std::string& name) const;
    /// Whether nothing has been mounted from it yet.
    bool is_fresh(const std::string& name) const;
    /// Durable. False when it did not exist. Whether it is in use is the caller's question, who holds lock(exclusive).
    bool remove(const std::string& name) const;

    /// Shared while a container that names it is checked or starts; exclusive to remove it. Taken after a container's lock.
    FileLock lock(const std::string& name, LockMode) const;
    /// Removes what killed creates and removes have left, unless one is at work now.
    void sweep() const;

private:
    std::optional<Dir> volumes() const { return store_.data().open_dir_if_exists("volumes"); }
    const Store& store_;
};

} // namespace kist::storage
