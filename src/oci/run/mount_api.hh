// SPDX-License-Identifier: Apache-2.0
// The file-descriptor based mount calls (fsopen, open_tree, move_mount, mount_setattr) with errors that say what failed.
// Source and target of a mount are descriptors, never strings that something in the container could turn elsewhere (P2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/mount.h>

#include "base/fd.hh"

namespace kist::oci {

enum class Depth { one, tree };

/// A folder of the host, for its place alone (O_PATH). Throws SysError "opening folder '<path>'".
Fd open_host_folder(const std::string& path);
/// A detached copy of the mount at a path of the host. Throws SysError "mounting from '<path>'".
Fd clone_host_mount(const std::string& path, Depth);
/// A detached copy of what `from` is open on (a folder or a file), whatever its path is by now.
Fd clone_mount(const Fd& from, Depth);

/// Changes flags (MOUNT_ATTR_*) or propagation (MS_PRIVATE, …) of a mount, attached or not.
struct MountChange {
    std::uint64_t set = 0;
    std::uint64_t clear = 0;
    std::uint64_t propagation = 0;
    bool operator==(const MountChange&) const = default;
};
void change_mount(const Fd& mount, const MountChange&, Depth);

/// Shows the ids of a detached mount's files as the user namespace maps them. Throws SysError.
void idmap_mount(const Fd& mount, const Fd& user_namespace, Depth);

/// Attaches a detached mount on what `target` is open on.
void attach_mount(const Fd& mount, const Fd& target);
/// Identity of the mount that a descriptor is on, in this boot.
std::uint64_t mount_id(const Fd&);
/// The file system's magic number (statfs).
std::uint64_t file_system_magic(const Fd&);

/// A file system that is being configured.
class NewFileSystem {
public:
    explicit NewFileSystem(const std::string& type);
    void set(const std::string& key, const std::string& value);
    void set_flag(const std::string& key);
    /// False when this kernel does not take a descriptor for `key`.
    bool set_fd(const std::string& key, const Fd& value);
    /// False when this kernel does not know `key`.
    bool try_set(const std::string& key, const std::string& value);
    /// Makes it: a detached mount with these MOUNT_ATTR_* flags.
    Fd mount(std::uint64_t flags);

private:
    [[noreturn]] void give_up(std::string_view what) const;
    std::string type_;
    Fd context_;
};

} // namespace kist::oci
