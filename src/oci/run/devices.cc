// SPDX-License-Identifier: Apache-2.0
#include "oci/run/devices.hh"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/in_root.hh"
#include "oci/run/mount_guard.hh"

namespace kist::oci {

namespace {

/// The folder of a path in the container, made if missing; neighbours share one look-up.
class Parents {
public:
    explicit Parents(const Fd& root) : root_(root) {}
    struct Place {
        int folder;
        std::string name;
    };
    Place of(const std::string& path) {
        const std::size_t slash = path.rfind('/');
        const std::string folder = slash == 0 ? "/" : path.substr(0, slash);
        if (!fd_ || folder != folder_) {
            fd_ = make_dirs_in_root(root_, folder);
            folder_ = folder;
        }
        return {fd_.get(), path.substr(slash + 1)};
    }

private:
    const Fd& root_;
    std::string folder_;
    Fd fd_;
};

mode_t type_bits(const Device& device) {
    if (device.type == "b") return S_IFBLK;
    return device.type == "p" ? S_IFIFO : S_IFCHR;
}

bool is_there(const Parents::Place& place, mode_t type, dev_t number) {
    struct stat facts {};
    return ::fstatat(place.folder, place.name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0 &&
           (facts.st_mode & S_IFMT) == type && (type == S_IFIFO || facts.st_rdev == number);
}

void make_node(Parents& parents, const Device& device) {
    const Parents::Place place = parents.of(device.path);
    const mode_t type = type_bits(device);
    const dev_t number = makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor));
    const mode_t mode = device.file_mode.value_or(0666) & 07777;
    if (::mknodat(place.folder, place.name.c_str(), type | mode, number) < 0) {
        // An image with its own /dev and no mount over it may have the node already.
        const SysError::Code reason{errno};
        if (reason.value != EEXIST || !is_there(place, type, number))
            throw SysError(reason, "making device '{}'", device.path);
    }
    const uid_t uid = device.uid.value_or(0);
    const gid_t gid = device.gid.value_or(0);
    if ((uid != 0 || gid != 0) && ::fchownat(place.folder, place.name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
        throw SysError("setting the owner of device '{}'", device.path);
}

void bind_node(const Fd& root, const Device& device, const Fd& node) {
    const Fd target = make_file_in_root(root, device.path);
    attach_mount(node, target);
    if (mount_id(open_in_root(root, device.path, O_PATH)) != mount_id(node))
        throw Error("device '{}': it was changed while it was being mounted", device.path);
}

} // namespace

void make_devices(const Fd& root, const DevicePlan& plan, const std::vector<Fd>& bound) {
    Parents parents(root);
    for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
        if (i < bound.size() && bound[i]) bind_node(root, plan.nodes[i], bound[i]);
        else make_node(parents, plan.nodes[i]);
    }
    for (const DevicePlan::Link& link : plan.links) {
        const Parents::Place place = parents.of(link.path);
        if (::symlinkat(link.text.c_str(), place.folder, place.name.c_str()) < 0 && errno != EEXIST)
            throw SysError("making link '{}'", link.path);
    }
}

Terminal open_terminal(const Fd& root, const std::optional<Box>& size) {
    Terminal terminal;
    terminal.master = open_in_root(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
    struct stat facts {};
    if (::fstat(terminal.master.get(), &facts) < 0) throw SysError("opening a terminal");
    const bool real = S_ISCHR(facts.st_mode) && facts.st_rdev == makedev(5, 2);
    if (!real || file_system_magic(terminal.master) != DEVPTS_SUPER_MAGIC)
        throw Error("opening a terminal: '/dev/pts' of the container is not a terminal file system");

    int unlock = 0;
    if (::ioctl(terminal.master.get(), TIOCSPTLCK, &unlock) < 0) throw SysError("unlocking the terminal");
    terminal.slave = Fd{::ioctl(terminal.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)};
    if (!terminal.slave) throw SysError("opening the terminal");
    if (size) {
        winsize window{};
        window.ws_row = static_cast<unsigned short>(size->height);
        window.ws_col = static_cast<unsigned short>(size->width);
        if (::ioctl(terminal.master.get(), TIOCSWINSZ, &window) < 0) throw SysError("setting the terminal's size");
    }
    return terminal;
}

void make_console(const Fd& root, const Terminal& terminal) {
    try {
        const Fd target = make_file_in_root(root, "/dev/console");
        if (is_on_proc(target)) throw Error("it leads into procfs, where nothing may be mounted");
        const Fd mount = clone_mount(terminal.slave, Depth::one);
        attach_mount(mount, target);
        if (mount_id(open_in_root(root, "/dev/console", O_PATH)) != mount_id(mount))
            throw Error("the destination was changed while it was being mounted");
    } catch (Error& error) {
        error.while_doing("mounting '/dev/console'");
        throw;
    }
}

} // namespace kist::oci
