// SPDX-License-Identifier: Apache-2.0
// Unix sockets below a private folder, addressed by folder descriptor: a path longer than sun_path (108) is no obstacle,
// and no abstract name is ever used (a container in the host's network namespace could reach it: CVE-2020-15257).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hh"
#include "base/file.hh"

namespace kist {

struct SocketPair {
    Fd first;
    Fd second;
};
/// socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC).
SocketPair make_socket_pair();

/// Listening SOCK_SEQPACKET socket `dir/name`, mode 0600; a left-over of a dead owner is replaced. Non-blocking.
Fd listen_unix(const Dir& dir, const std::string& name);
/// Nothing when nobody listens (ENOENT, ECONNREFUSED).
std::optional<Fd> connect_unix(const Dir& dir, const std::string& name);

struct Message {
    std::string bytes;
    std::vector<Fd> fds;
};
/// One packet with descriptors attached. `bytes` must not be empty: it would read as end of stream. Blocks, on a
/// non-blocking socket too; throws SysError.
void send_message(const Fd& socket, std::string_view bytes, const std::vector<int>& fds = {});
/// One packet of at most `limit` bytes (a longer one is an Error) and at most 16 descriptors; nothing at end of stream.
/// On a non-blocking socket without a packet: SysError with EAGAIN.
std::optional<Message> receive_message(const Fd& socket, std::size_t limit);

} // namespace kist
