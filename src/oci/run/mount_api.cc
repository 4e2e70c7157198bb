// SPDX-License-Identifier: Apache-2.0
// Thin: each function is one system call and its error. See fsopen(2), open_tree(2), move_mount(2), mount_setattr(2).
#include "oci/run/mount_api.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.hh"
#include "oci/run/foreign_mount.hh"

namespace kist::oci {

namespace {

constexpr unsigned open_tree_flags(Depth depth) {
    return OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (depth == Depth::tree ? unsigned{AT_RECURSIVE} : 0u);
}

} // namespace

Fd open_host_folder(const std::string& path) {
    Fd fd{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!fd) throw SysError("opening folder '{}'", path);
    return fd;
}

Fd clone_host_mount(const std::string& path, Depth depth) {
    Fd tree{::open_tree(AT_FDCWD, path.c_str(), open_tree_flags(depth))};
    if (tree) return tree;
    const int code = errno;
    if (code == EINVAL) // perhaps another container's
        if (auto foreign = clone_mount_of_process(path)) return std::move(*foreign);
    throw SysError(SysError::Code{code}, "mounting from '{}'", path);
}

Fd clone_mount(const Fd& from, Depth depth) {
    Fd tree{::open_tree(from.get(), "", open_tree_flags(depth) | AT_EMPTY_PATH)};
    if (!tree) throw SysError("copying a mount");
    return tree;
}

void change_mount(const Fd& mount, const MountChange& change, Depth depth) {
    if (change == MountChange{}) return;
    struct mount_attr attributes {};
    attributes.attr_set = change.set;
    attributes.attr_clr = change.clear;
    // The kernel takes a new atime mode only together with "clear the old one".
    if (((change.set | change.clear) & MOUNT_ATTR__ATIME) != 0) attributes.attr_clr |= MOUNT_ATTR__ATIME;
    attributes.propagation = change.propagation;
    const unsigned flags = AT_EMPTY_PATH | (depth == Depth::tree ? unsigned{AT_RECURSIVE} : 0u);
    if (::mount_setattr(mount.get(), "", flags, &attributes, sizeof attributes) == 0) return;
    SysError error("changing mount flags");
    // mount(2) could do it by path, but not to a mount that is not attached anywhere yet, and ours are not.
    if (error.code == ENOSYS) error.with_hint("kist needs Linux 5.12 or newer");
    throw error;
}

void idmap_mount(const Fd& mount, const Fd& user_namespace, Depth depth) {
    struct mount_attr attributes {};
    attributes.attr_set = MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<std::uint64_t>(user_namespace.get());
    const unsigned flags = AT_EMPTY_PATH | (depth == Depth::tree ? unsigned{AT_RECURSIVE} : 0u);
    if (::mount_setattr(mount.get(), "", flags, &attributes, sizeof attributes) == 0) return;
    SysError error("mapping the ids of the mount");
    if (error.code == EINVAL) error.with_hint("this kernel cannot map the ids of that file system");
    throw error;
}

void attach_mount(const Fd& mount, const Fd& target) {
    if (::move_mount(mount.get(), "", target.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        throw SysError("attaching the mount");
}

std::uint64_t mount_id(const Fd& fd) {
    struct statx facts {};
    if (::statx(fd.get(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &facts) < 0)
        throw SysError("reading a mount's identity");
    if ((facts.stx_mask & STATX_MNT_ID) == 0) throw Error("reading a mount's identity: needs Linux 5.8 or newer");
    return facts.stx_mnt_id;
}

std::uint64_t file_system_magic(const Fd& fd) {
    struct statfs facts {};
    if (::fstatfs(fd.get(), &facts) < 0) throw SysError("reading a file system's type");
    return static_cast<std::uint64_t>(facts.f_type);
}

NewFileSystem::NewFileSystem(const std::string& type) : type_(type), context_(::fsopen(type.c_str(), FSOPEN_CLOEXEC)) {
    if (!context_) throw SysError("opening file system type '{}'", type);
}

void NewFileSystem::give_up(std::string_view what) const {
    const int code = errno;
    // The kernel explains itself in messages of the form "e overlay: No changes allowed in reconfigure".
    char text[512];
    const ssize_t length = ::read(context_.get(), text, sizeof text);
    SysError error(SysError::Code{code}, "{}", what);
    if (length > 2) error.with_hint("the kernel says: " + std::string(text + 2, static_cast<std::size_t>(length) - 2));
    throw error;
}

void NewFileSystem::set(const std::string& key, const std::string& value) {
    if (::fsconfig(context_.get(), FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0) < 0)
        give_up(fmt::format("{} option '{}={}'", type_, key, value));
}

void NewFileSystem::set_flag(const std::string& key) {
    if (::fsconfig(context_.get(), FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0) < 0)
        give_up(fmt::format("{} option '{}'", type_, key));
}

bool NewFileSystem::set_fd(const std::string& key, const Fd& value) {
    if (::fsconfig(context_.get(), FSCONFIG_SET_FD, key.c_str(), nullptr, value.get()) == 0) return true;
    // EOPNOTSUPP: a file system that still parses its options as one text (overlay before 6.5).
    if (errno == EINVAL || errno == EBADF || errno == EOPNOTSUPP) return false;
    give_up(fmt::format("{} option '{}'", type_, key));
}

bool NewFileSystem::try_set(const std::string& key, const std::string& value) {
    if (::fsconfig(context_.get(), FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0) == 0) return true;
    if (errno == EINVAL) return false;
    give_up(fmt::format("{} option '{}={}'", type_, key, value));
}

Fd NewFileSystem::mount(std::uint64_t flags) {
    if (::fsconfig(context_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) give_up("making the file system");
    Fd mount{::fsmount(context_.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(flags))};
    if (!mount) give_up("making the mount");
    return mount;
}

} // namespace kist::oci
