// SPDX-License-Identifier: Apache-2.0
#include "oci/run/foreign_mount.hh"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/socket.hh"
#include "base/text.hh"

namespace kist::oci {

namespace {

struct Place {
    std::string namespace_path, inner;
};

std::optional<Place> parse(const std::string& path) {
    if (!path.starts_with("/proc/")) return std::nullopt;
    const auto end = path.find('/', 6);
    if (end == std::string::npos || !parse_unsigned(path.substr(6, end - 6), INT32_MAX)) return std::nullopt;
    if (path.compare(end, 6, "/root/") != 0) return std::nullopt;
    return Place{path.substr(0, end) + "/ns/mnt", path.substr(end + 5)};
}

/// In the child: 0 or errno.
int send_clone(const Fd& mount_namespace, const std::string& path, const Fd& answer) {
    if (::setns(mount_namespace.get(), CLONE_NEWNS) < 0) return errno;
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    const Fd place{static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how))};
    if (!place) return errno;
    const Fd tree{::open_tree(place.get(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH)};
    if (!tree) return errno;
    send_message(answer, "ok", {tree.get()});
    return 0;
}

} // namespace

std::optional<Fd> clone_mount_of_process(const std::string& path) {
    const auto place = parse(path);
    if (!place) return std::nullopt;
    const Fd mount_namespace{::open(place->namespace_path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!mount_namespace) throw SysError("mounting from '{}'", path);
    SocketPair channel = make_socket_pair();
    const pid_t child = ::fork();
    if (child < 0) throw SysError("mounting from '{}'", path);
    if (child == 0) {
        try {
            ::_exit(send_clone(mount_namespace, place->inner, channel.second));
        } catch (...) {
            ::_exit(EIO);
        }
    }
    channel.second.reset();
    auto message = receive_message(channel.first, 16);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (message && message->fds.size() == 1) return std::move(message->fds.front());
    const int code = WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EIO;
    throw SysError(SysError::Code{code}, "mounting from '{}'", path);
}

} // namespace kist::oci
