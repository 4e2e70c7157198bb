// SPDX-License-Identifier: Apache-2.0
#include "monitor/packet_socket.hh"

#include <cerrno>

#include <sys/socket.h>
#include <sys/uio.h>

#include "base/error.hh"

namespace kist::monitor {

PacketSocket::PacketSocket(Fd socket)
    : socket_(std::move(socket)), buffer_(std::make_unique_for_overwrite<char[]>(max_packet)) {}

void PacketSocket::send(Packet type, std::string_view payload) const {
    char first = static_cast<char>(type);
    iovec parts[2] = {{&first, 1}, {const_cast<char*>(payload.data()), payload.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = payload.empty() ? 1 : 2;
    while (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL) < 0) {
        if (errno == EINTR) continue;
        if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) return;
        throw SysError("sending to the monitor");
    }
}

PacketSocket::Result PacketSocket::receive(PacketView& packet, Wait wait) {
    for (;;) {
        const ssize_t n = ::recv(socket_.get(), buffer_.get(), max_packet, wait == Wait::no ? MSG_DONTWAIT : 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Result::none;
        if (n < 0 && errno != ECONNRESET) throw SysError("receiving from the monitor");
        if (n <= 0) return Result::end;
        packet = *parse_packet(std::string_view(buffer_.get(), static_cast<std::size_t>(n)));
        return Result::packet;
    }
}

} // namespace kist::monitor
