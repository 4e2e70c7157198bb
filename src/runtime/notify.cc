// SPDX-License-Identifier: Apache-2.0
#include "runtime/notify.hh"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/text.hh"

namespace kist::runtime {

namespace {

constexpr const char* folder_name = "notify";
constexpr const char* socket_name = "notify.sock";
constexpr const char* inside = "/run/notify";

Fd datagram_socket() {
    Fd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!fd) throw SysError("making a socket");
    return fd;
}

/// A path, or an abstract name with '@' in front. The length for bind(2) and sendto(2).
socklen_t fill(sockaddr_un& address, const std::string& name) {
    if (name.size() >= sizeof address.sun_path) throw Error("NOTIFY_SOCKET: '{}' is too long", printable(name));
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (name.front() == '@' ? 0 : 1));
}

bool says_ready(std::string_view text) {
    const auto lines = split(text, '\n');
    return std::find(lines.begin(), lines.end(), "READY=1") != lines.end();
}

} // namespace

std::optional<std::string> manager_socket() {
    const char* value = std::getenv("NOTIFY_SOCKET");
    if (value == nullptr || (value[0] != '/' && value[0] != '@')) return std::nullopt;
    return value;
}

void add_notify_folder(const Dir& container, oci::Spec& spec) {
    const Dir folder = container.create_dir(folder_name, 0755);
    spec.mounts.push_back({inside, "bind", folder.path(), {"bind", "rprivate", "nosuid", "nodev", "noexec", "ro"}});
    auto& env = spec.process.value().env;
    std::erase_if(env, [](const std::string& entry) { return entry.starts_with("NOTIFY_SOCKET="); });
    env.push_back(fmt::format("NOTIFY_SOCKET={}/{}", inside, socket_name));
}

std::optional<NotifyRelay> NotifyRelay::open(const Dir& container, const std::string& manager) {
    const auto folder = container.open_dir_if_exists(folder_name);
    if (!folder) return std::nullopt;
    sockaddr_un address{};
    const socklen_t length = fill(address, fmt::format("/proc/self/fd/{}/{}", folder->fd().get(), socket_name));
    Fd socket = datagram_socket();
    // Any user of the container may be the one who is ready.
    const mode_t umask_before = ::umask(0);
    const int bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length);
    const SysError::Code failure{errno};
    ::umask(umask_before);
    if (bound < 0) throw SysError(failure, "making the socket '{}'", folder->path_of(socket_name));
    return NotifyRelay(std::move(socket), manager);
}

void NotifyRelay::wait(const Fd& process, int pid) const {
    for (;;) {
        pollfd both[] = {{socket_.get(), POLLIN, 0}, {process.get(), POLLIN, 0}};
        if (::poll(both, 2, -1) < 0 && errno != EINTR) throw SysError("waiting for the container to be ready");
        if ((both[0].revents & POLLIN) != 0) {
            char text[4096];
            const ssize_t got = ::recv(socket_.get(), text, sizeof text, 0);
            if (got > 0 && says_ready({text, static_cast<std::size_t>(got)})) return tell(pid);
        } else if (both[1].revents != 0) {
            return;
        }
    }
}

void NotifyRelay::tell(int pid) const {
    sockaddr_un address{};
    const socklen_t length = fill(address, manager_);
    const std::string text = fmt::format("READY=1\nMAINPID={}\n", pid);
    if (::sendto(datagram_socket().get(), text.data(), text.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), length) < 0)
        throw SysError("telling the service manager '{}'", manager_);
}

} // namespace kist::runtime
