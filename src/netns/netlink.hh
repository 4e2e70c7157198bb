// SPDX-License-Identifier: Apache-2.0
// Netlink messages and a socket to send them by. libmnl does the same, but Debian has no static one, and what carries out a
// start (kist-monitor) is static so that it starts in a millisecond and stays small; the encoding is these few lines.
// Formats: netlink(7), linux/netlink.h.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <linux/netlink.h>

#include "base/error.hh"
#include "base/fd.hh"

namespace kist::netns {

/// Several messages in one buffer: sent by one call, answered one by one.
class NetlinkBatch {
public:
    /// Ends the message before, if any. `what` says in errors what this one does: "making bridge 'kist0'".
    /// `flags`: NLM_F_*; NLM_F_REQUEST is added.
    template <typename Header>
    void begin(std::uint16_t type, int flags, const Header& header, std::string what) {
        static_assert(std::is_trivially_copyable_v<Header>);
        begin_raw(type, flags, {reinterpret_cast<const char*>(&header), sizeof header}, std::move(what));
    }
    void put(std::uint16_t attribute, std::string_view bytes);
    /// With the NUL that the kernel expects behind a name.
    void put_text(std::uint16_t attribute, std::string_view text);
    void put_u8(std::uint16_t attribute, std::uint8_t value);
    void put_u16(std::uint16_t attribute, std::uint16_t value);
    void put_u32(std::uint16_t attribute, std::uint32_t value);
    /// Big-endian, as nftables wants all its numbers.
    void put_be32(std::uint16_t attribute, std::uint32_t value);
    /// An attribute made of attributes; end by close().
    void open(std::uint16_t attribute);
    void close();
    /// Bytes without an attribute around them, inside of a nested one (the peer's header of a veth).
    void put_plain(std::string_view bytes);

    bool empty() const { return messages_.empty(); }

private:
    friend class NetlinkSocket;
    void begin_raw(std::uint16_t type, int flags, std::string_view header, std::string what);
    void pad();
    /// Lengths of the open message and of open attributes are written when they end.
    void finish();

    struct Sent {
        std::size_t offset;
        std::string what;
        bool answered; ///< NLM_F_ACK was asked for
    };
    std::string bytes_;
    std::vector<Sent> messages_;
    std::vector<std::size_t> open_;
};

/// An attribute of a received message.
struct Attribute {
    std::uint16_t type;
    std::string_view bytes;
    std::uint32_t u32() const;
    std::uint32_t be32() const;
    std::string text() const; ///< up to a NUL
};
/// Attributes from `bytes`; ill-formed ones end the list (the kernel makes none).
std::vector<Attribute> parse_attributes(std::string_view bytes);
/// The one of that type; empty bytes when missing.
std::string_view find_attribute(std::string_view bytes, std::uint16_t type);

struct NetlinkMessage {
    std::uint16_t type;
    std::string_view payload; ///< header of its family and attributes
};

/// What the kernel answered to one message of a batch.
struct NetlinkFailure {
    std::size_t index;
    int code; ///< errno
    std::string what;
};

/// Belongs to the network namespace it was opened in, for ever: a socket opened inside a container's namespace works on that one.
class NetlinkSocket {
public:
    /// `protocol`: NETLINK_ROUTE, NETLINK_NETFILTER.
    explicit NetlinkSocket(int protocol);

    /// Sends all and reads the answers of all; throws SysError of the first that failed.
    void send(NetlinkBatch& batch);
    /// The same, giving all that failed.
    std::vector<NetlinkFailure> try_send(NetlinkBatch& batch);
    /// One dump request (NLM_F_DUMP in the flags) or get; calls for each answer.
    void query(NetlinkBatch& batch, const std::function<void(const NetlinkMessage&)>& on_message);
    const Fd& fd() const { return fd_; }

private:
    void transmit(NetlinkBatch& batch);
    std::string_view receive();
    Fd fd_;
    std::uint32_t next_sequence_ = 1;
    std::vector<char> buffer_;
};

} // namespace kist::netns
