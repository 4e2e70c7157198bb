// SPDX-License-Identifier: Apache-2.0
// Unix sockets by /proc/self/fd/N/name, and packets that carry descriptors.
#include "base/socket.hh"

#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/ids.hh"

namespace kist {

namespace {

constexpr std::size_t max_fds = 16;

sockaddr_un address_of(const Dir& dir, const std::string& name) {
    const std::string path = fmt::format("/proc/self/fd/{}/{}", dir.fd().get(), name);
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path) throw Error("socket name '{}' is too long", name);
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

Fd new_socket(int flags) {
    Fd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0)};
    if (!fd) throw SysError("making a socket");
    return fd;
}

union Control {
    cmsghdr header; // for its alignment
    char bytes[CMSG_SPACE(max_fds * sizeof(int))];
};

std::vector<Fd> take_fds(msghdr& header) {
    std::vector<Fd> fds;
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd;
            std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
            fds.emplace_back(fd);
        }
    }
    return fds;
}

} // namespace

SocketPair make_socket_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw SysError("making a pair of sockets");
    return {Fd{ends[0]}, Fd{ends[1]}};
}

Fd listen_unix(const Dir& dir, const std::string& name) {
    dir.check_name(name);
    const std::string path = dir.path_of(name);
    Fd fd = new_socket(SOCK_NONBLOCK);
    // Bound under another name first: whoever connects meets the old socket or a listening new one, never none.
    const std::string temp = std::string(temp_prefix) + random_hex(8);
    const sockaddr_un address = address_of(dir, temp);
    // The mode of the socket becomes that of the file: there is no moment at which others could connect.
    if (::fchmod(fd.get(), 0600) != 0 ||
        ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw SysError("making socket '{}'", path);
    if (::listen(fd.get(), 128) == 0 && ::renameat(dir.fd().get(), temp.c_str(), dir.fd().get(), name.c_str()) == 0)
        return fd;
    const int failure = errno;
    ::unlinkat(dir.fd().get(), temp.c_str(), 0);
    throw SysError(SysError::Code{failure}, "making socket '{}'", path);
}

std::optional<Fd> connect_unix(const Dir& dir, const std::string& name) {
    Fd fd = new_socket(0);
    const sockaddr_un address = address_of(dir, name);
    while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        if (errno == ENOENT || errno == ECONNREFUSED) return std::nullopt;
        if (errno != EINTR) throw SysError("connecting to socket '{}/{}'", dir.path(), name);
    }
    return fd;
}

void send_message(const Fd& socket, std::string_view bytes, const std::vector<int>& fds) {
    if (bytes.empty()) throw Error("sending a message: it is empty");
    if (fds.size() > max_fds) throw Error("sending a message: more than {} descriptors", max_fds);
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    Control control{};
    if (!fds.empty()) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
        cmsghdr* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
        std::memcpy(CMSG_DATA(rights), fds.data(), fds.size() * sizeof(int));
    }
    while (::sendmsg(socket.get(), &header, MSG_NOSIGNAL) < 0) {
        if (errno == EINTR) continue;
        if (errno != EAGAIN) throw SysError("sending a message");
        pollfd ready{socket.get(), POLLOUT, 0};
        ::poll(&ready, 1, -1);
    }
}

std::optional<Message> receive_message(const Fd& socket, std::size_t limit) {
    Message message;
    message.bytes.resize(limit);
    iovec part{message.bytes.data(), limit};
    Control control{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.bytes;
    header.msg_controllen = sizeof control.bytes;
    ssize_t n;
    do {
        n = ::recvmsg(socket.get(), &header, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    // A peer that went away with packets of ours unread is gone all the same.
    if (n == 0 || (n < 0 && errno == ECONNRESET)) return std::nullopt;
    if (n < 0) throw SysError("receiving a message");
    message.fds = take_fds(header); // owned before anything is refused, so that none leaks
    if ((header.msg_flags & MSG_TRUNC) != 0) throw Error("receiving a message: longer than {} bytes", limit);
    if ((header.msg_flags & MSG_CTRUNC) != 0) throw Error("receiving a message: more than {} descriptors", max_fds);
    message.bytes.resize(static_cast<std::size_t>(n));
    return message;
}

} // namespace kist
