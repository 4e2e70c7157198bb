// SPDX-License-Identifier: Apache-2.0
#include "oci/run/root_mount.hh"

#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/text.hh"
#include "oci/run/mount_api.hh"
#include "oci/run/mount_options.hh"

namespace kist::oci {

namespace {

Fd open_path(const std::string& path) {
    Fd fd{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!fd) throw SysError("opening folder '{}'", path);
    return fd;
}

void isolate_host_mounts(std::uint64_t propagation) {
    // With 0 the copied mounts stay peers of the host's; only "/" itself must not pass on what is attached to it.
    const unsigned long flags = propagation == 0 ? static_cast<unsigned long>(MS_PRIVATE) : propagation | MS_REC;
    if (::mount(nullptr, "/", nullptr, flags, nullptr) < 0) throw SysError("separating the mounts from the host's");
}

/// The folders of an overlay, opened: a descriptor has no colon, comma or backslash to escape and no length limit. They
/// are opened in this mount namespace, since the kernel takes layers from the caller's own only.
struct OverlayFolders {
    std::vector<Fd> lower;
    Fd upper, work;

    explicit OverlayFolders(const RootMount& root) {
        for (const std::string& path : root.lower) lower.push_back(open_path(path));
        if (root.upper.empty()) return;
        upper = open_path(root.upper);
        work = open_path(root.work);
    }
};

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
/// options holds about 200 layers. What is mounted on "/" is picked up through "/..", which is looked up through mounts.
Fd overlay_by_name(const RootMount& root, const OverlayFolders& folders, const std::string& place) {
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
    Fd mount = open_path(place == "/" ? "/.." : place + "/.");
    change_mount(mount, {.set = options.flags}, Depth::one);
    return mount;
}

Fd mount_bind(const std::string& path, Depth depth, std::uint64_t host_propagation) {
    Fd mount = clone_host_mount(path, depth);
    if (host_propagation != MS_PRIVATE) change_mount(mount, {.propagation = MS_PRIVATE}, depth);
    return mount;
}

/// The kernel says EINVAL for every reason that it has; a file system that can hold no upper layer is the likeliest.
bool can_hold_upper_layers(const Fd& upper) {
    constexpr std::uint64_t overlay = 0x794c7630, nfs = 0x6969, fat = 0x4d44, exfat = 0x2011bab0, fuse = 0x65735546;
    const std::uint64_t magic = file_system_magic(upper);
    return magic != overlay && magic != nfs && magic != fat && magic != exfat && magic != fuse;
}

Fd mount_overlay(const RootMount& root, std::uint64_t host_propagation, bool& attached) {
    if (root.upper.empty() && root.lower.size() == 1) {
        // The kernel wants two layers at least when there is no upper one.
        Fd mount = mount_bind(root.lower.front(), Depth::one, host_propagation);
        change_mount(mount, {.set = MOUNT_ATTR_RDONLY}, Depth::one);
        return mount;
    }
    return make_overlay(root, "/", attached);
}

} // namespace

Fd make_overlay(const RootMount& root, const std::string& place, bool& attached) {
    const OverlayFolders folders(root);
    try {
        Fd mount = overlay_by_descriptor(root, folders);
        attached = !mount;
        return mount ? std::move(mount) : overlay_by_name(root, folders, place);
    } catch (SysError& error) {
        if (error.code == EINVAL && folders.upper && !can_hold_upper_layers(folders.upper)) {
            error.while_doing("the file system of '{}' cannot hold the upper layer of an overlay", root.upper);
            error.with_hint("use --storage-driver vfs, or a --root on another file system");
        }
        throw;
    }
}

Fd prepare_root(const RootMount& root, const Fd* user_namespace) {
    try {
        if (root.kind == RootMount::Kind::bind || (root.upper.empty() && root.lower.size() == 1)) {
            const bool bind = root.kind == RootMount::Kind::bind;
            Fd mount = clone_host_mount(bind ? root.path : root.lower.front(), bind ? Depth::tree : Depth::one);
            change_mount(mount, {.propagation = MS_PRIVATE}, Depth::tree);
            if (!bind) change_mount(mount, {.set = MOUNT_ATTR_RDONLY}, Depth::one);
            if (user_namespace != nullptr) idmap_mount(mount, *user_namespace, Depth::tree);
            return mount;
        }
        if (user_namespace != nullptr)
            throw Error("layers of an overlay cannot be shown with the ids of a user namespace yet")
                .with_hint("the vfs driver can: --storage-driver vfs, with a store of its own");
        const OverlayFolders folders(root);
        Fd mount = overlay_by_descriptor(root, folders);
        if (!mount) throw Error("an overlay in a user namespace").with_hint("needs Linux 6.13 or newer");
        return mount;
    } catch (Error& error) {
        error.while_doing("mounting the root file system");
        throw;
    }
}

Fd mount_root(const RootMount& root, Fd prepared, std::uint64_t host_propagation) {
    isolate_host_mounts(host_propagation);
    try {
        if (prepared) {
            attach_mount(prepared, open_path("/"));
            return prepared;
        }
        bool attached = false;
        Fd mount = root.kind == RootMount::Kind::overlay ? mount_overlay(root, host_propagation, attached)
                                                         : mount_bind(root.path, Depth::tree, host_propagation);
        if (!attached) attach_mount(mount, open_path("/"));
        return mount;
    } catch (Error& error) {
        error.while_doing("mounting the root file system");
        throw;
    }
}

namespace {

void pivot(std::uint64_t host_propagation) {
    const Fd old_root = open_path("/");
    // Old and new root in one place: the old one ends on top of the new one and is taken away from there (pivot_root(2)).
    if (::syscall(SYS_pivot_root, ".", ".") < 0) throw SysError("changing the root file system");
    if (::fchdir(old_root.get()) < 0) throw SysError("leaving the host's root file system");
    // The host must not see its own mounts go.
    if (host_propagation != MS_PRIVATE && ::mount(nullptr, ".", nullptr, MS_SLAVE | MS_REC, nullptr) < 0)
        throw SysError("separating the mounts from the host's");
    if (::umount2(".", MNT_DETACH) < 0) throw SysError("detaching the host's mounts");
}

/// The new root lies on top of "/" already, so that ".." out of it ends in it again.
void change_root() {
    if (::chroot(".") < 0) throw SysError("changing the root file system");
}

} // namespace

void enter_root(const Fd& root, RootSwitch how, std::uint64_t host_propagation, std::uint64_t root_propagation) {
    if (::fchdir(root.get()) < 0) throw SysError("entering the root file system");
    if (how == RootSwitch::pivot) pivot(host_propagation);
    else change_root();
    if (::chdir("/") < 0) throw SysError("entering the root file system");
    if (root_propagation != 0 && root_propagation != MS_PRIVATE)
        change_mount(root, {.propagation = root_propagation}, Depth::one);
}

} // namespace kist::oci
