// SPDX-License-Identifier: Apache-2.0
#include "monitor/service_notify.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/log.hh"
#include "base/text.hh"

namespace kist::monitor {

namespace {

using Mode = storage::NotifyMode;

constexpr std::size_t longest_datagram = 4096;

Fd datagram_socket() {
    Fd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
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

bool may_be_told(std::string_view line) {
    constexpr auto known = std::to_array<std::string_view>({"READY=", "RELOADING=", "STOPPING=", "STATUS=", "ERRNO=",
                                                            "WATCHDOG=", "MONOTONIC_USEC=", "EXTEND_TIMEOUT_USEC="});
    return std::any_of(known.begin(), known.end(), [&](std::string_view key) { return line.starts_with(key); });
}

} // namespace

std::string notify_lines(std::string_view datagram) {
    std::string told;
    for (const std::string& line : split(datagram, '\n'))
        if (may_be_told(line)) told += line + "\n";
    return told;
}

ServiceNotify::ServiceNotify(EventLoop& loop, const Dir& run, const storage::NotifyConfig& config)
    : loop_(loop), config_(config) {
    if (config_.mode != Mode::container) return;
    listen(run);
    loop_.watch(socket_.get(), EPOLLIN, [this](std::uint32_t) { relay(); });
}

ServiceNotify::~ServiceNotify() {
    if (socket_) loop_.unwatch(socket_.get());
}

void ServiceNotify::listen(const Dir& run) {
    const Dir folder = run.create_dir(storage::notify_folder, 0755);
    folder.remove_file(storage::notify_socket);
    sockaddr_un address{};
    const socklen_t length =
        fill(address, fmt::format("/proc/self/fd/{}/{}", folder.fd().get(), storage::notify_socket));
    socket_ = datagram_socket();
    const mode_t before = ::umask(0); // any user of the container may be the one who is ready
    const int bound = ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), length);
    const SysError::Code failure{errno};
    ::umask(before);
    if (bound < 0) throw SysError(failure, "making the socket '{}'", folder.path_of(storage::notify_socket));
}

void ServiceNotify::relay() const {
    char text[longest_datagram];
    for (;;) {
        const ssize_t got = ::recv(socket_.get(), text, sizeof text, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return;
        const std::string told = notify_lines({text, static_cast<std::size_t>(got)});
        if (!told.empty()) tell(told);
    }
}

void ServiceNotify::started() const noexcept {
    tell(fmt::format("MAINPID={}\n{}", ::getpid(), config_.mode == Mode::conmon ? "READY=1\n" : ""));
}

void ServiceNotify::healthy() const noexcept {
    if (config_.mode == Mode::healthy) tell("READY=1\n");
}

void ServiceNotify::stopping() const noexcept {
    if (config_.mode != Mode::container) tell("STOPPING=1\n");
}

void ServiceNotify::tell(std::string_view text) const noexcept {
    try {
        sockaddr_un address{};
        const socklen_t length = fill(address, config_.socket);
        if (::sendto(datagram_socket().get(), text.data(), text.size(), MSG_NOSIGNAL,
                     reinterpret_cast<const sockaddr*>(&address), length) < 0)
            throw SysError("telling the service manager '{}'", config_.socket);
    } catch (const std::exception& error) {
        log::debug("{}", error.what());
    }
}

} // namespace kist::monitor
