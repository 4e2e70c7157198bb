// SPDX-License-Identifier: Apache-2.0
#include "oci/run/overlay.hh"

#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/socket.hh"
#include "base/text.hh"
#include "oci/run/clone.hh"
#include "oci/run/init_channel.hh"
#include "oci/run/mount_api.hh"
#include "oci/run/mount_options.hh"

namespace kist::oci {

namespace {

Fd open_below(const Fd& folder, const std::string& name) {
    Fd fd{::openat(folder.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!fd) throw SysError("opening folder '{}'", name);
    return fd;
}

/// The folders of an overlay, opened: a descriptor has no colon, comma or backslash to escape and no length limit. They
/// are opened in this mount namespace, since the kernel takes layers from the caller's own only.
struct OverlayFolders {
    std::vector<Fd> lower;
    Fd upper, work;
};

OverlayFolders open_folders(const RootMount& root) {
    OverlayFolders folders;
    for (const std::string& path : root.lower) folders.lower.push_back(open_host_folder(path));
    if (root.upper.empty()) return folders;
    folders.upper = open_host_folder(root.upper);
    folders.work = open_host_folder(root.work);
    return folders;
}

void set_options(NewFileSystem& overlay, const MountOptions& options) {
    for (const MountOptions::Datum& option : options.data) {
        if (option.is_flag) overlay.set_flag(option.key);
        else overlay.set(option.key, option.value);
    }
}

/// Nothing when this kernel takes no descriptors as layers (before 6.13).
Fd overlay_by_descriptor(const RootMount& root, const OverlayFolders& folders) {
    NewFileSystem overlay("overlay");
    overlay.set("source", "overlay");
    for (const Fd& lower : folders.lower)
        if (!overlay.set_fd("lowerdir+", lower)) return {};
    if (folders.upper && !overlay.set_fd("upperdir", folders.upper)) return {};
    if (folders.upper && !overlay.set_fd("workdir", folders.work)) return {};
    const MountOptions options = parse_mount_options(root.options);
    set_options(overlay, options);
    return overlay.mount(options.flags);
}

std::string name_of_fd(const Fd& fd) { return fmt::format("/proc/self/fd/{}", fd.get()); }

/// For kernels before 6.13: mount(2) with the descriptors' names in our procfs, which are short, so that the one page of
/// options holds about 200 layers.
void overlay_by_name(const RootMount& root, const OverlayFolders& folders, const std::string& place) {
    std::vector<std::string> names;
    for (const Fd& lower : folders.lower) names.push_back(name_of_fd(lower));
    std::string data = "lowerdir=" + join(names, ":");
    if (folders.upper) data += ",upperdir=" + name_of_fd(folders.upper) + ",workdir=" + name_of_fd(folders.work);
    const MountOptions options = parse_mount_options(root.options);
    for (const MountOptions::Datum& option : options.data)
        data += "," + option.key + (option.is_flag ? "" : "=" + option.value);
    if (data.size() >= static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)))
        throw Error("{} layers are more than this kernel can overlay", root.lower.size());
    if (::mount("overlay", place.c_str(), "overlay", 0, data.c_str()) < 0) throw SysError("making the overlay");
}

/// The kernel says EINVAL for every reason that it has; a file system that can hold no upper layer is the likeliest.
bool can_hold_upper_layers(const Fd& upper) {
    constexpr std::uint64_t overlay = 0x794c7630, nfs = 0x6969, fat = 0x4d44, exfat = 0x2011bab0, fuse = 0x65735546;
    const std::uint64_t magic = file_system_magic(upper);
    return magic != overlay && magic != nfs && magic != fat && magic != exfat && magic != fuse;
}

/// As make_overlay().
Fd mount_folders(const RootMount& root, const OverlayFolders& folders, const std::string& place) {
    try {
        Fd mount = overlay_by_descriptor(root, folders);
        if (!mount) overlay_by_name(root, folders, place);
        return mount;
    } catch (SysError& error) {
        if (error.code == EINVAL && folders.upper && !can_hold_upper_layers(folders.upper)) {
            error.while_doing("the file system of '{}' cannot hold the upper layer of an overlay", root.upper);
            error.with_hint("use --storage-driver vfs, or a --root on another file system");
        }
        throw;
    }
}

/// Folders of this process's mount namespace to mount things on, which nobody else sees.
class MountPlaces {
public:
    MountPlaces() {
        NewFileSystem made("tmpfs");
        made.set("source", "kist");
        tmpfs_ = made.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
        attach_mount(tmpfs_, open_host_folder("/"));
    }
    /// An empty folder, by a path of this process that leads through what is mounted there.
    std::string next() {
        const std::string name = std::to_string(count_++);
        if (::mkdirat(tmpfs_.get(), name.c_str(), 0700) < 0) throw SysError("making folder '{}'", name);
        return name_of_fd(tmpfs_) + "/" + name;
    }

private:
    Fd tmpfs_;
    int count_ = 0;
};

/// The folder's files with mapped ids, in this mount namespace.
Fd show_mapped(const std::string& path, const Fd& user_namespace, MountPlaces& places) {
    Fd mount = clone_host_mount(path, Depth::one);
    change_mount(mount, {.propagation = MS_PRIVATE}, Depth::one);
    idmap_mount(mount, user_namespace, Depth::one);
    attach_mount(mount, open_host_folder(places.next()));
    return mount;
}

/// "/a/b/c": "/a/b" and "c".
std::pair<std::string, std::string> split_path(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) throw Error("'{}' is not absolute", path);
    return {path.substr(0, slash), path.substr(slash + 1)};
}

OverlayFolders show_folders_mapped(const RootMount& root, const Fd& user_namespace, MountPlaces& places) {
    OverlayFolders folders;
    for (const std::string& path : root.lower) folders.lower.push_back(show_mapped(path, user_namespace, places));
    if (root.upper.empty()) return folders;
    // Files are renamed from the one to the other, so both have to be in one mount.
    const auto [parent, upper] = split_path(root.upper);
    const auto [work_parent, work] = split_path(root.work);
    if (parent != work_parent) throw Error("'{}' and '{}' are not in one folder", root.upper, root.work);
    const Fd both = show_mapped(parent, user_namespace, places);
    folders.upper = open_below(both, upper);
    folders.work = open_below(both, work);
    return folders;
}

/// Overlayfs makes and copies files as who mounts it, who has to be somebody whose ids are mapped (EOVERFLOW else, and the mount
/// is read-only): the container's root, to whom the work folder belongs, but with all our capabilities.
void become_owner(const Fd& work) {
    struct stat facts {};
    if (::fstat(work.get(), &facts) < 0) throw SysError("reading the owner of the work folder");
    if (::prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0) throw SysError("keeping capabilities");
    ::setfsgid(facts.st_gid); // neither says whether it worked; the capability to do so was there for all before
    ::setfsuid(facts.st_uid);
}

/// In a process with a mount namespace of its own.
Fd mount_apart(const RootMount& root, const Fd* user_namespace) {
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0)
        throw SysError("separating the mounts from the host's");
    MountPlaces places;
    const OverlayFolders folders =
        user_namespace != nullptr ? show_folders_mapped(root, *user_namespace, places) : open_folders(root);
    const std::string place = places.next();
    if (user_namespace != nullptr && folders.work) become_owner(folders.work);
    Fd mount = mount_folders(root, folders, place);
    return mount ? std::move(mount) : clone_mount(open_overlay(root, place), Depth::one);
}

} // namespace

Fd make_overlay(const RootMount& root, const std::string& place) {
    return mount_folders(root, open_folders(root), place);
}

Fd open_overlay(const RootMount& root, const std::string& path) {
    Fd mount = open_host_folder(path);
    change_mount(mount, {.set = parse_mount_options(root.options).flags}, Depth::one);
    return mount;
}

Fd make_overlay_apart(const RootMount& root, const Fd* user_namespace) {
    SocketPair channel = make_socket_pair();
    std::optional<Child> child = clone_process(CLONE_NEWNS, Fd());
    if (child) {
        channel.second.reset();
        Fd mount = receive_descriptor(channel.first);
        child->wait();
        return mount;
    }
    tell_failure(channel.second, [&] { send_descriptor(channel.second, mount_apart(root, user_namespace)); });
    ::_exit(0);
}

} // namespace kist::oci
