// SPDX-License-Identifier: Apache-2.0
#include "oci/run/volume_seed.hh"

#include <cstdio>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "oci/run/copy_up.hh"
#include "oci/run/folder_project.hh"

namespace kist::oci {

namespace {

constexpr const char* fresh_name = "fresh";
constexpr const char* data_name = "_data";
constexpr const char* unfinished_name = "_seed";

struct stat folder_facts(const Fd& fd) {
    struct stat facts {};
    if (::fstat(fd.get(), &facts) < 0) throw SysError("reading a folder's identity");
    return facts;
}

/// Held until the descriptor closes.
void lock(const Dir& volume) {
    if (TEMP_FAILURE_RETRY(::flock(volume.fd().get(), LOCK_EX)) < 0) throw SysError("locking '{}'", volume.path());
}

void take_after(const Fd& folder, const Fd& image, bool keep_owner) {
    const struct stat facts = folder_facts(image);
    if (!keep_owner && ::fchown(folder.get(), facts.st_uid, facts.st_gid) < 0)
        throw SysError("setting a volume's owner");
    if (::fchmod(folder.get(), facts.st_mode & 07777) < 0) throw SysError("setting a volume's mode");
}

void copy_content(const Dir& volume, const Fd& image, const MountOptions& options) {
    volume.remove_tree(unfinished_name);
    const Dir copy = volume.create_dir(unfinished_name);
    if (options.keep_owner) {
        const struct stat before = folder_facts(volume.open_dir(data_name).fd());
        if (::fchown(copy.fd().get(), before.st_uid, before.st_gid) < 0) throw SysError("setting a volume's owner");
    }
    take_project(copy.fd(), volume.open_dir(data_name).fd());
    copy_up(image, copy.fd());
    take_after(copy.fd(), image, options.keep_owner);
    if (options.seed == MountOptions::Seed::durable && ::syncfs(copy.fd().get()) < 0)
        throw SysError("syncing a volume");
    const int folder = volume.fd().get();
    if (::renameat(folder, unfinished_name, folder, data_name) < 0) throw SysError("filling a volume");
}

std::vector<LateOwner> seed_locked(const Dir& volume, const Fd& image, const MountOptions& options) {
    const Dir data = volume.open_dir(data_name);
    std::vector<LateOwner> late;
    if (!data.names().empty()) return late;
    if (!image) {
        if (!options.keep_owner) late.push_back({data.fd().duplicate(), false});
    } else if (options.seed == MountOptions::Seed::owner) {
        take_after(data.fd(), image, options.keep_owner);
    } else {
        copy_content(volume, image, options);
    }
    return late;
}

void give_one(int folder, const char* name, std::uint32_t uid, std::uint32_t gid) {
    if (::fchownat(folder, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
        throw SysError("giving '{}' to {}:{}", name, uid, gid);
}

void give_tree(const Dir& folder, std::uint32_t uid, std::uint32_t gid) {
    for (const std::string& name : folder.names()) {
        struct stat facts {};
        // it went meanwhile
        if (::fstatat(folder.fd().get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) < 0) continue;
        if (S_ISDIR(facts.st_mode))
            if (const auto below = folder.open_dir_if_exists(name)) give_tree(*below, uid, gid);
        give_one(folder.fd().get(), name.c_str(), uid, gid);
    }
}

} // namespace

std::vector<LateOwner> seed_volume(const std::string& data, const Fd& image, const MountOptions& options) {
    const Dir volume = Dir::open(data.substr(0, data.rfind('/')));
    lock(volume);
    if (!volume.exists(fresh_name)) return {};
    std::vector<LateOwner> late = seed_locked(volume, image, options);
    volume.remove_file(fresh_name);
    if (options.seed == MountOptions::Seed::durable) volume.sync();
    return late;
}

void give_away(const LateOwner& late, std::uint32_t uid, std::uint32_t gid) {
    if (late.is_recursive) give_tree(Dir(late.folder.duplicate(), "the mounted folder"), uid, gid);
    if (::fchown(late.folder.get(), uid, gid) < 0) throw SysError("giving a mounted folder to {}:{}", uid, gid);
}

} // namespace kist::oci
