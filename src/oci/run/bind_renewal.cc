// SPDX-License-Identifier: Apache-2.0
// What the container has at the target may be anything by now: nothing but a mounted file of the source's file system is replaced.
#include "oci/run/bind_renewal.hh"

#include <algorithm>

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/in_root.hh"
#include "oci/run/mount_guard.hh"
#include "oci/run/mount_steps.hh"

namespace kist::oci {

namespace {

/// MOVE_MOUNT_BENEATH of Linux 6.5; glibc 2.36 does not know it.
constexpr unsigned beneath = 0x200;

/// Of the child; errno values are smaller.
constexpr int is_same = 200, is_replaced = 201, is_other = 202;

struct statx identity_of(const Fd& fd) {
    struct statx facts {};
    if (::statx(fd.get(), "", AT_EMPTY_PATH, STATX_BASIC_STATS, &facts) < 0)
        throw SysError("reading a file's identity");
    return facts;
}

bool is_file_mount(const struct statx& facts) {
    return S_ISREG(facts.stx_mode) && (facts.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/// Takes away the uppermost mount at what `fd` is open on: by the host's procfs, the only way to name a descriptor to umount(2).
int detach(const Fd& own_descriptors, const Fd& fd) {
    if (::fchdir(own_descriptors.get()) < 0) return errno;
    return ::umount2(std::to_string(fd.get()).c_str(), MNT_DETACH) < 0 ? errno : 0;
}

int replace(const MountStep& step, const Fd& mount, const Fd& own_descriptors) {
    const Fd root{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!root) return errno;
    const Fd target = open_in_root(root, step.target, O_PATH);
    const struct statx there = identity_of(target), now = identity_of(mount);
    const bool same_device = there.stx_dev_major == now.stx_dev_major && there.stx_dev_minor == now.stx_dev_minor;
    if (!is_file_mount(there) || !same_device) return is_other;
    if (there.stx_ino == now.stx_ino) return is_same;
    check_target(step, target);
    constexpr unsigned by_descriptor = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    if (::move_mount(mount.get(), "", target.get(), "", by_descriptor | beneath) == 0) {
        const int code = detach(own_descriptors, target);
        return code == 0 ? is_replaced : code;
    }
    if (errno != EINVAL) return errno;
    if (const int code = detach(own_descriptors, target); code != 0) return code;
    attach_mount(mount, open_in_root(root, step.target, O_PATH));
    return is_replaced;
}

/// In the child.
int enter_and_replace(const MountStep& step, const Fd& mount, const Fd& init) {
    const Fd own_descriptors{::open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!own_descriptors || ::setns(init.get(), CLONE_NEWNS) < 0) return errno;
    try {
        return replace(step, mount, own_descriptors);
    } catch (const SysError& error) {
        return error.code;
    } catch (const std::exception&) {
        return is_other;
    }
}

int wait_for(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) throw SysError("waiting for a child");
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

} // namespace

std::vector<MountStep> followed_binds(const Spec& spec) {
    const auto is_followed = [](const Mount& mount) {
        return std::find(mount.options.begin(), mount.options.end(), "kist.follow") != mount.options.end();
    };
    if (std::none_of(spec.mounts.begin(), spec.mounts.end(), is_followed)) return {};
    std::vector<MountStep> steps = plan_root(spec).steps;
    std::erase_if(steps, [](const MountStep& step) { return !step.options.follow; });
    return steps;
}

Renewal renew_bind(const MountStep& step, const Fd& init, pid_t pid) {
    try {
        const std::string namespace_path = fmt::format("/proc/{}/ns/user", pid);
        const Fd user_namespace{::open(namespace_path.c_str(), O_RDONLY | O_CLOEXEC)};
        if (!user_namespace) throw SysError("opening '{}'", namespace_path);
        const Fd mount = prepare_bind(step, user_namespace);
        const struct statx facts = identity_of(mount);
        if (!S_ISREG(facts.stx_mode)) throw Error("'{}' is no file any more", step.source);
        const pid_t child = ::fork();
        if (child < 0) throw SysError("making a process");
        if (child == 0) ::_exit(enter_and_replace(step, mount, init));
        const int result = wait_for(child);
        if (result == is_other) throw Error("the container has something else there");
        if (result != is_same && result != is_replaced) throw SysError(SysError::Code{result}, "replacing the mount");
        return {result == is_replaced, makedev(facts.stx_dev_major, facts.stx_dev_minor), facts.stx_ino};
    } catch (Error& error) {
        error.while_doing("following '{}'", step.target);
        throw;
    }
}

} // namespace kist::oci
