// SPDX-License-Identifier: Apache-2.0
#include "netns/netlink.hh"

#include <cstring>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace kist::netns {

namespace {

constexpr std::size_t receive_size = 64 * 1024; // the kernel's dumps are 32 KiB at most
constexpr std::size_t alignment = 4;

std::size_t aligned(std::size_t size) { return (size + alignment - 1) / alignment * alignment; }

template <typename T>
std::string_view raw(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <typename T>
T read_as(std::string_view bytes) {
    T value{};
    std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
    return value;
}

} // namespace

void NetlinkBatch::begin_raw(std::uint16_t type, int flags, std::string_view header, std::string what) {
    finish();
    messages_.push_back({bytes_.size(), std::move(what), (flags & NLM_F_ACK) != 0});
    nlmsghdr message{};
    message.nlmsg_type = type;
    message.nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST);
    bytes_ += raw(message);
    bytes_ += header;
    pad();
}

void NetlinkBatch::pad() { bytes_.resize(aligned(bytes_.size()), '\0'); }

void NetlinkBatch::finish() {
    while (!open_.empty()) close();
    if (messages_.empty()) return;
    const std::size_t start = messages_.back().offset;
    const auto length = static_cast<std::uint32_t>(bytes_.size() - start);
    std::memcpy(bytes_.data() + start, &length, sizeof length);
}

void NetlinkBatch::put(std::uint16_t attribute, std::string_view bytes) {
    nlattr head{};
    head.nla_len = static_cast<std::uint16_t>(sizeof head + bytes.size());
    head.nla_type = attribute;
    bytes_ += raw(head);
    bytes_ += bytes;
    pad();
}

void NetlinkBatch::put_text(std::uint16_t attribute, std::string_view text) {
    std::string terminated(text);
    terminated.push_back('\0');
    put(attribute, terminated);
}

void NetlinkBatch::put_u8(std::uint16_t attribute, std::uint8_t value) { put(attribute, raw(value)); }
void NetlinkBatch::put_u16(std::uint16_t attribute, std::uint16_t value) { put(attribute, raw(value)); }
void NetlinkBatch::put_u32(std::uint16_t attribute, std::uint32_t value) { put(attribute, raw(value)); }
void NetlinkBatch::put_be32(std::uint16_t attribute, std::uint32_t value) { put(attribute, raw(htonl(value))); }

void NetlinkBatch::open(std::uint16_t attribute) {
    open_.push_back(bytes_.size());
    nlattr head{};
    head.nla_type = static_cast<std::uint16_t>(attribute | NLA_F_NESTED);
    bytes_ += raw(head);
}

void NetlinkBatch::close() {
    const auto length = static_cast<std::uint16_t>(bytes_.size() - open_.back());
    std::memcpy(bytes_.data() + open_.back(), &length, sizeof length);
    open_.pop_back();
}

void NetlinkBatch::put_plain(std::string_view bytes) {
    bytes_ += bytes;
    pad();
}

std::uint32_t Attribute::u32() const { return read_as<std::uint32_t>(bytes); }
std::uint32_t Attribute::be32() const { return ntohl(u32()); }
std::string Attribute::text() const { return std::string(bytes.substr(0, bytes.find('\0'))); }

std::vector<Attribute> parse_attributes(std::string_view bytes) {
    std::vector<Attribute> found;
    while (bytes.size() >= sizeof(nlattr)) {
        const auto head = read_as<nlattr>(bytes);
        if (head.nla_len < sizeof head || head.nla_len > bytes.size()) break;
        found.push_back({static_cast<std::uint16_t>(head.nla_type & NLA_TYPE_MASK),
                         bytes.substr(sizeof head, head.nla_len - sizeof head)});
        bytes.remove_prefix(std::min(aligned(head.nla_len), bytes.size()));
    }
    return found;
}

std::string_view find_attribute(std::string_view bytes, std::uint16_t type) {
    for (const Attribute& attribute : parse_attributes(bytes))
        if (attribute.type == type) return attribute.bytes;
    return {};
}

NetlinkSocket::NetlinkSocket(int protocol) : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)) {
    if (!fd_) throw SysError("opening a netlink socket");
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw SysError("binding a netlink socket");
    // A batch of nftables messages is answered by one acknowledgement each, also to an impatient reader.
    const int bytes = 1 << 20;
    (void)::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
    (void)::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
    // Acknowledgements without the request in them.
    const int on = 1;
    (void)::setsockopt(fd_.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
}

void NetlinkSocket::transmit(NetlinkBatch& batch) {
    batch.finish();
    for (const auto& message : batch.messages_) {
        const std::uint32_t sequence = next_sequence_++;
        std::memcpy(batch.bytes_.data() + message.offset + offsetof(nlmsghdr, nlmsg_seq), &sequence, sizeof sequence);
    }
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    const auto sent = ::sendto(fd_.get(), batch.bytes_.data(), batch.bytes_.size(), 0,
                               reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
    if (sent < 0) throw SysError("{}", batch.messages_.empty() ? "netlink" : batch.messages_.front().what);
}

std::string_view NetlinkSocket::receive() {
    buffer_.resize(receive_size);
    for (;;) {
        const auto got = ::recv(fd_.get(), buffer_.data(), buffer_.size(), 0);
        if (got >= 0) return {buffer_.data(), static_cast<std::size_t>(got)};
        if (errno != EINTR) throw SysError("reading a netlink socket");
    }
}

namespace {

/// Calls for each message in what was received.
void for_each_message(std::string_view bytes,
                      const std::function<void(const nlmsghdr&, std::string_view payload)>& call) {
    while (bytes.size() >= sizeof(nlmsghdr)) {
        const auto head = read_as<nlmsghdr>(bytes);
        if (head.nlmsg_len < sizeof head || head.nlmsg_len > bytes.size()) return;
        call(head, bytes.substr(sizeof head, head.nlmsg_len - sizeof head));
        bytes.remove_prefix(std::min(aligned(head.nlmsg_len), bytes.size()));
    }
}

} // namespace

std::vector<NetlinkFailure> NetlinkSocket::try_send(NetlinkBatch& batch) {
    const std::uint32_t first = next_sequence_;
    transmit(batch);
    std::size_t waiting = 0;
    for (const auto& message : batch.messages_) waiting += message.answered ? 1 : 0;
    std::vector<NetlinkFailure> failures;
    while (waiting > 0) {
        for_each_message(receive(), [&](const nlmsghdr& head, std::string_view payload) {
            if (head.nlmsg_type != NLMSG_ERROR || head.nlmsg_seq < first) return;
            const std::size_t index = head.nlmsg_seq - first;
            if (index >= batch.messages_.size()) return;
            const int code = -read_as<int>(payload);
            // A batch of nftables that fails as a whole (EPERM, ENOBUFS) is answered for a message that asked for nothing.
            if (batch.messages_[index].answered) --waiting;
            else if (code != 0) waiting = 0;
            if (code != 0) failures.push_back({index, code, batch.messages_[index].what});
        });
    }
    buffer_ = {}; // a monitor keeps its socket
    return failures;
}

void NetlinkSocket::send(NetlinkBatch& batch) {
    const auto failures = try_send(batch);
    if (failures.empty()) return;
    throw SysError(SysError::Code{failures.front().code}, "{}", failures.front().what);
}

void NetlinkSocket::query(NetlinkBatch& batch, const std::function<void(const NetlinkMessage&)>& on_message) {
    const std::uint32_t sequence = next_sequence_;
    transmit(batch);
    const std::string what = batch.messages_.front().what;
    bool done = false;
    while (!done) {
        for_each_message(receive(), [&](const nlmsghdr& head, std::string_view payload) {
            if (head.nlmsg_seq != sequence || done) return;
            if (head.nlmsg_type == NLMSG_DONE) done = true;
            if (head.nlmsg_type == NLMSG_ERROR) {
                const int code = -read_as<int>(payload);
                if (code != 0) throw SysError(SysError::Code{code}, "{}", what);
                done = true;
            }
            if (done) return;
            on_message({head.nlmsg_type, payload});
            // A get (no dump) has one answer.
            if ((head.nlmsg_flags & NLM_F_MULTI) == 0) done = true;
        });
    }
    buffer_ = {};
}

} // namespace kist::netns
