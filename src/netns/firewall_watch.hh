// SPDX-License-Identifier: Apache-2.0
// Notices that somebody else took something out of kist's tables: `nft flush ruleset`, a reload of nftables.service. The
// kernel tells (NFNLGRP_NFTABLES); a filter in the kernel keeps everything else from waking the process, so hundreds of
// monitors sleep through each other's starts and stops, which only change elements.
#pragma once

#include <functional>
#include <optional>

#include "base/event_loop.hh"
#include "netns/netlink.hh"

namespace kist::netns {

class FirewallWatch {
public:
    /// Of the network namespace of the calling thread. `on_loss` is called from the loop a moment after the last of several
    /// changes, also for those that the process made itself; when it throws an Error, again after a second.
    FirewallWatch(EventLoop& loop, std::function<void()> on_loss);
    ~FirewallWatch();
    FirewallWatch(const FirewallWatch&) = delete;
    FirewallWatch& operator=(const FirewallWatch&) = delete;

private:
    void on_message();
    void call_after(std::chrono::milliseconds delay);

    EventLoop& loop_;
    std::function<void()> on_loss_;
    NetlinkSocket socket_;
    std::optional<EventLoop::TimerId> timer_;
};

} // namespace kist::netns
