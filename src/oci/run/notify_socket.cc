// SPDX-License-Identifier: Apache-2.0
#include "oci/run/notify_socket.hh"

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/error.hh"
#include "base/text.hh"

namespace kist::oci {

namespace {

constexpr const char* socket_name = "notify.sock";
constexpr const char* inside = "/run/notify";

Fd datagram_socket() {
    Fd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd) throw SysError("making a socket");
    return fd;
}

/// The length for bind(2) and sendto(2).
socklen_t fill(sockaddr_un& address, const std::string& name) {
    if (name.size() >= sizeof address.sun_path) throw Error("NOTIFY_SOCKET: '{}' is too long", printable(name));
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (name.front() == '@' ? 0 : 1));
}

} // namespace

std::optional<std::string> manager_socket() {
    const char* value = std::getenv("NOTIFY_SOCKET");
    if (value == nullptr || (value[0] != '/' && value[0] != '@')) return std::nullopt;
    return value;
}

void tell_manager(const std::string& socket, std::string_view text) {
    sockaddr_un address{};
    const socklen_t length = fill(address, socket);
    if (::sendto(datagram_socket().get(), text.data(), text.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), length) < 0)
        throw SysError("telling the service manager '{}'", socket);
}

void show_notify_socket(Spec& spec, const std::string& folder) {
    spec.mounts.push_back({inside, "bind", folder, {"bind", "rprivate", "nosuid", "nodev", "noexec", "ro"}});
    auto& env = spec.process.value().env;
    std::erase_if(env, [](const std::string& entry) { return entry.starts_with("NOTIFY_SOCKET="); });
    env.push_back(fmt::format("NOTIFY_SOCKET={}/{}", inside, socket_name));
}

Fd listen_notify(const Dir& folder) {
    folder.remove_file(socket_name);
    sockaddr_un address{};
    const socklen_t length = fill(address, fmt::format("/proc/self/fd/{}/{}", folder.fd().get(), socket_name));
    Fd socket = datagram_socket();
    const mode_t before = ::umask(0); // any user of the container may be the one who is ready
    const int bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length);
    const SysError::Code failure{errno};
    ::umask(before);
    if (bound < 0) throw SysError(failure, "making the socket '{}'", folder.path_of(socket_name));
    return socket;
}

} // namespace kist::oci
