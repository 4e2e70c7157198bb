// SPDX-License-Identifier: Apache-2.0
// Volumes on disk: made under a temporary name and renamed, so that of many makers of one name exactly one wins.
#include "storage/volume_store.hh"

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/ids.hh"
#include "base/rollback.hh"
#include "base/text.hh"
#include "storage/event_log.hh"
#include "storage/quota.hh"
#include "storage/record.hh"

namespace kist::storage {
namespace {

constexpr const char* volume_record = "volume.json";
constexpr const char* data_name = "_data";
constexpr const char* fresh_name = "fresh";
/// The name of its lock is longer, and 255 is the file system's limit.
constexpr std::size_t longest_volume_name = 240;

void check_volume_name(std::string_view name) {
    if (is_volume_name(name)) return;
    UsageError error("invalid volume name '{}'", printable(name));
    error.with_hint(
        "only a-z A-Z 0-9 _ . - are allowed, the first a letter or a digit; a host path starts with '/' or './'");
    throw error;
}

std::string temporary_name() { return std::string(temp_prefix) + random_hex(8); }

/// Held shared by whoever has a temporary name, so that sweep() knows that nobody has one.
FileLock working_lock(const Store& store) {
    return FileLock::acquire(store.run().create_dir("locks"), "volumes", LockMode::shared, std::chrono::minutes(10));
}

void make_data(const Dir& folder, const VolumeRecord& record) {
    const Dir data = folder.create_dir(data_name, 0755);
    // whatever our umask is
    if (::fchmod(data.fd().get(), 0755) != 0) throw SysError("making volume '{}'", record.name);
    if ((record.uid != 0 || record.gid != 0) && ::fchown(data.fd().get(), record.uid, record.gid) != 0)
        throw SysError("giving volume '{}' to {}:{}", record.name, record.uid, record.gid);
    if (record.project != 0) limit_folder(data, record.project, {record.size_limit, record.file_limit});
    if (!folder.open_file(fresh_name, O_WRONLY | O_CREAT))
        throw Error("making volume '{}': its folder went away", record.name);
    if (!record.auto_remove) data.sync();
}

void tell(const Store& store, std::string_view action, const std::string& name) noexcept {
    append_event(store.data(), {.type = "volume", .action = action, .id = name, .attributes = {{"driver", "local"}}});
}

/// Of a damaged one, which can be removed all the same, an empty one.
VolumeRecord record_of(const Dir& all, const std::string& name) {
    try {
        const auto folder = all.open_dir_if_exists(name);
        auto record = folder ? read_record<VolumeRecord>(*folder, volume_record) : std::nullopt;
        return record ? std::move(*record) : VolumeRecord{};
    } catch (const Error&) {
        return {};
    }
}

} // namespace

bool is_volume_name(std::string_view name) { return name.size() <= longest_volume_name && is_valid_name(name); }

std::string anonymous_volume_name(const std::string& container_id) {
    return container_id.substr(0, 32) + random_hex(16);
}

bool VolumeStore::create(VolumeRecord record) const {
    check_volume_name(record.name);
    if (record.size_limit != 0 || record.file_limit != 0) record.project = new_project();
    const auto durability = record.auto_remove ? Durability::volatile_ : Durability::durable;
    const Dir all = store_.data().create_dir("volumes");
    if (all.exists(record.name)) return false;
    const FileLock working = working_lock(store_);
    const std::string temporary = temporary_name();
    Rollback rollback;
    rollback.add([&] { all.remove_tree(temporary); });
    const Dir folder = all.create_dir(temporary);
    make_data(folder, record);
    write_record(folder, volume_record, record, durability);
    const int from = all.fd().get();
    if (::renameat2(from, temporary.c_str(), from, record.name.c_str(), RENAME_NOREPLACE) != 0) {
        if (errno == EEXIST) return false; // somebody was faster: the rollback takes ours away
        throw SysError("creating volume '{}'", record.name);
    }
    rollback.commit();
    tell(store_, "create", record.name);
    if (durability == Durability::volatile_) return true;
    all.sync();
    store_.data().sync(); // volumes/ itself may be new
    return true;
}

std::optional<VolumeRecord> VolumeStore::find(const std::string& name) const {
    if (!exists(name)) return std::nullopt;
    const auto folder = volumes()->open_dir_if_exists(name);
    if (!folder) return std::nullopt;
    auto record = read_record<VolumeRecord>(*folder, volume_record);
    if (!record && !exists(name)) return std::nullopt; // removed meanwhile
    if (!record) throw Error("reading volume '{}': its volume.json is missing", name);
    if (record->name != name) throw Error("reading volume '{}': its record names '{}'", name, printable(record->name));
    return record;
}

bool VolumeStore::exists(const std::string& name) const {
    if (!is_volume_name(name)) return false;
    const auto all = volumes();
    return all && all->exists(name);
}

std::vector<std::string> VolumeStore::names() const {
    const auto all = volumes();
    if (!all) return {};
    std::vector<std::string> found = all->names();
    std::erase_if(found, [](const std::string& name) { return !is_volume_name(name); });
    std::sort(found.begin(), found.end());
    return found;
}

Dir VolumeStore::folder(const std::string& name) const {
    if (exists(name))
        if (auto folder = volumes()->open_dir_if_exists(name)) return std::move(*folder);
    throw NotFound("no such volume: {}", printable(name));
}

std::string VolumeStore::data_path(const std::string& name) const {
    return store_.data().path_of("volumes/" + name + "/" + data_name);
}

bool VolumeStore::is_fresh(const std::string& name) const { return folder(name).exists(fresh_name); }

bool VolumeStore::remove(const std::string& name) const {
    if (!exists(name)) return false;
    const FileLock working = working_lock(store_);
    const auto all = volumes();
    const VolumeRecord record = record_of(*all, name);
    const std::string temporary = temporary_name();
    if (::renameat(all->fd().get(), name.c_str(), all->fd().get(), temporary.c_str()) != 0) {
        if (errno == ENOENT) return false;
        throw SysError("removing volume '{}'", name);
    }
    // what a power cut brings back of a --rm container goes with the next sweep
    if (!record.auto_remove) all->sync();
    all->remove_tree(temporary);
    forget_limits(*all, record.project);
    tell(store_, "destroy", name);
    store_.run().create_dir("locks").remove_file("volume-" + name);
    return true;
}

FileLock VolumeStore::lock(const std::string& name, LockMode mode) const {
    check_volume_name(name);
    return FileLock::acquire(store_.run().create_dir("locks"), "volume-" + name, mode);
}

void VolumeStore::sweep() const {
    const auto all = volumes();
    if (!all) return;
    std::vector<std::string> leftovers = all->names();
    std::erase_if(leftovers, [](const std::string& name) { return !name.starts_with(temp_prefix); });
    if (leftovers.empty()) return;
    const auto nobody_works = FileLock::try_acquire(store_.run().create_dir("locks"), "volumes");
    if (!nobody_works) return;
    for (const std::string& name : leftovers) all->remove_tree(name);
}

} // namespace kist::storage
