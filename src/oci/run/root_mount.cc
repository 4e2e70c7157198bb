// SPDX-License-Identifier: Apache-2.0
#include "oci/run/root_mount.hh"

#include <string>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/process.hh"
#include "base/text.hh"
#include "oci/run/mount_api.hh"
#include "oci/run/overlay.hh"

namespace kist::oci {

namespace {

void isolate_host_mounts(std::uint64_t propagation) {
    // With 0 the copied mounts stay peers of the host's; only "/" itself must not pass on what is attached to it.
    const unsigned long flags = propagation == 0 ? static_cast<unsigned long>(MS_PRIVATE) : propagation | MS_REC;
    if (::mount(nullptr, "/", nullptr, flags, nullptr) < 0) throw SysError("separating the mounts from the host's");
}

/// Which folder of which mount our "/" is.
struct RootPlace {
    std::uint64_t mount = 0, inode = 0;
    bool operator==(const RootPlace&) const = default;
};
RootPlace root_place() {
    struct statx facts {};
    if (::statx(AT_FDCWD, "/", AT_SYMLINK_NOFOLLOW, STATX_MNT_ID | STATX_INO, &facts) < 0)
        throw SysError("looking at the root file system");
    return {facts.stx_mnt_id, facts.stx_ino};
}

Fd mount_bind(const std::string& path, Depth depth, std::uint64_t host_propagation) {
    Fd mount = clone_host_mount(path, depth);
    if (host_propagation != MS_PRIVATE) change_mount(mount, {.propagation = MS_PRIVATE}, depth);
    return mount;
}

Fd mount_overlay(const RootMount& root, std::uint64_t host_propagation, bool& attached) {
    if (root.upper.empty() && root.lower.size() == 1) {
        // The kernel wants two layers at least when there is no upper one.
        Fd mount = mount_bind(root.lower.front(), Depth::one, host_propagation);
        change_mount(mount, {.set = MOUNT_ATTR_RDONLY}, Depth::one);
        return mount;
    }
    Fd mount = make_overlay(root, "/");
    attached = !mount;
    return attached ? open_overlay(root, "/..") : std::move(mount); // "/.." is looked up through mounts, "/" is not
}

} // namespace

void check_own_root() {
    const RootPlace ours = root_place();
    const Fd folder = open_host_folder(".");
    const auto self = open_pidfd(::getpid());
    // To where we are: that changes root and working directory to the namespace's own, and nothing else.
    if (!self || ::setns(self->get(), CLONE_NEWNS) < 0) throw SysError("looking for the root of the mount namespace");
    if (::fchdir(folder.get()) < 0) throw SysError("going back to the working folder");
    if (root_place() == ours) return;
    throw Error("kist runs in a chroot: what is in a container could leave it")
        .with_hint(
            "make the folder the root of a mount namespace of its own: unshare --mount and pivot_root instead of "
            "chroot");
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
        return make_overlay_apart(root, user_namespace);
    } catch (Error& error) {
        error.while_doing("mounting the root file system");
        throw;
    }
}

Fd mount_root(const RootMount& root, Fd prepared, std::uint64_t host_propagation) {
    isolate_host_mounts(host_propagation);
    try {
        if (prepared) {
            attach_mount(prepared, open_host_folder("/"));
            return prepared;
        }
        bool attached = false;
        Fd mount = root.kind == RootMount::Kind::overlay ? mount_overlay(root, host_propagation, attached)
                                                         : mount_bind(root.path, Depth::tree, host_propagation);
        if (!attached) attach_mount(mount, open_host_folder("/"));
        return mount;
    } catch (Error& error) {
        error.while_doing("mounting the root file system");
        throw;
    }
}

namespace {

void pivot(std::uint64_t host_propagation) {
    const Fd old_root = open_host_folder("/");
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
