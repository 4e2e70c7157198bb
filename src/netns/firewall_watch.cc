// SPDX-License-Identifier: Apache-2.0
#include "netns/firewall_watch.hh"

#include <array>
#include <bit>
#include <chrono>

#include <linux/filter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include "netns/firewall.hh"

namespace kist::netns {

namespace {

using namespace std::chrono_literals;

/// A reload comes as several transactions: what is put back between them would be lost again.
constexpr auto settling_time = 100ms, retry_time = 1000ms;

/// Passes what begins with the removal of a table, chain, rule or set of a table "kist". The kernel puts many messages into
/// one datagram (up to 3.7 KB), and this looks at the first alone: that is enough, because to remove the table of family
/// inet takes more than fits into one, so that some datagram begins with a piece of it, whatever else is flushed with it.
std::array<sock_filter, 13> loss_filter() {
    // nlmsghdr: length, type (low byte: message, high byte: subsystem). nfgenmsg follows, then the table's name.
    constexpr std::uint32_t type_at = offsetof(nlmsghdr, nlmsg_type);
    constexpr bool little = std::endian::native == std::endian::little;
    constexpr std::uint32_t message_at = little ? type_at : type_at + 1, subsystem_at = little ? type_at + 1 : type_at;
    constexpr std::uint32_t name_at = sizeof(nlmsghdr) + sizeof(nfgenmsg) + sizeof(nlattr);
    static_assert(firewall_table == "kist");
    constexpr std::uint32_t name = 0x6b697374; // BPF reads words as big-endian
    constexpr std::uint16_t load_byte = BPF_LD | BPF_B | BPF_ABS, load_word = BPF_LD | BPF_W | BPF_ABS;
    constexpr std::uint16_t equals = BPF_JMP | BPF_JEQ | BPF_K, give = BPF_RET | BPF_K;
    return {{
        {load_byte, 0, 0, subsystem_at},
        {equals, 0, 10, NFNL_SUBSYS_NFTABLES},
        {load_byte, 0, 0, message_at},
        {equals, 3, 0, NFT_MSG_DELTABLE},
        {equals, 2, 0, NFT_MSG_DELCHAIN},
        {equals, 1, 0, NFT_MSG_DELRULE},
        {equals, 0, 5, NFT_MSG_DELSET},
        {load_word, 0, 0, name_at},
        {equals, 0, 3, name},
        {load_byte, 0, 0, name_at + 4},
        {equals, 0, 1, 0},
        {give, 0, 0, UINT32_MAX}, // all of it
        {give, 0, 0, 0},          // nothing
    }};
}

} // namespace

FirewallWatch::FirewallWatch(EventLoop& loop, std::function<void()> on_loss)
    : loop_(loop), on_loss_(std::move(on_loss)), socket_(NETLINK_NETFILTER) {
    // First the filter, then the group: nothing else is ever queued.
    auto filter = loss_filter();
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    if (::setsockopt(socket_.fd().get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
        throw SysError("watching the firewall");
    const int group = NFNLGRP_NFTABLES;
    if (::setsockopt(socket_.fd().get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
        throw SysError("watching the firewall");
    loop_.watch(socket_.fd().get(), EPOLLIN, [this](std::uint32_t) { on_message(); });
}

FirewallWatch::~FirewallWatch() {
    loop_.unwatch(socket_.fd().get());
    if (timer_) loop_.cancel(*timer_);
}

void FirewallWatch::on_message() {
    char start[sizeof(nlmsghdr)]; // what it says, the filter has read; too many (ENOBUFS) is a loss as well
    while (::recv(socket_.fd().get(), start, sizeof start, MSG_DONTWAIT) >= 0 || errno == ENOBUFS || errno == EINTR) {
    }
    call_after(settling_time);
}

void FirewallWatch::call_after(std::chrono::milliseconds delay) {
    if (timer_) loop_.cancel(*timer_);
    timer_ = loop_.after(delay, [this] {
        timer_.reset();
        try {
            on_loss_();
        } catch (const Error&) {
            call_after(retry_time);
        }
    });
}

} // namespace kist::netns
