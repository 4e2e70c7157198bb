// SPDX-License-Identifier: Apache-2.0
// One container's network, held by its monitor: the namespace (which outlives a restart of the container's program), the
// reserved ports, the firewall's elements. What is not removed by closing descriptors is named here and nowhere else.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/fd.hh"
#include "base/file.hh"
#include "netns/netlink.hh"
#include "netns/types.hh"

namespace kist::netns {

class ContainerNetwork {
public:
    /// Namespace, bridges, links, addresses, routes, ports, firewall, in an order that a failure at any point leaves only
    /// what end() removes; it is called then. `run_root` holds the leases; `owner` is the container's id; `users` the
    /// container's user namespace, which the network namespace has to belong to (empty: ours).
    static ContainerNetwork start(ContainerPlan plan, const Dir& run_root, const std::string& owner, const Fd& users);
    /// A container that runs already: takes its namespace, reserves its ports again (those that somebody took meanwhile
    /// stay published: the firewall never noticed), mends the firewall.
    static ContainerNetwork adopt(ContainerPlan plan, const std::string& owner, Fd space);

    /// Pass to the runtime as "/proc/self/fd/N".
    const Fd& space() const { return space_; }
    /// With the numbers of ports that were left to us.
    const ContainerPlan& plan() const { return plan_; }

    /// It has a part in the firewall: a port on a bridge.
    bool has_firewall() const;
    /// For `ip netns` (SEEDS A193): a link in /run/netns to the namespace of process `pid`.
    void pin(pid_t pid) const;
    /// Puts back what others removed from the firewall.
    void mend() const;
    /// The same, and bridges that are gone.
    void reload(const Dir& run_root) const;
    /// A further network while the container runs, or one less.
    void connect(const Attachment& attachment, const Dir& run_root);
    void disconnect(const std::string& network, const Dir& run_root);
    /// plan() has a name service from now on, with these servers.
    void serve_names(std::vector<std::string> servers);

    /// Firewall elements, leases, the pin; the rest goes with the descriptors. Never throws: each part that fails is left
    /// for the next sweep.
    void end(const Dir& run_root) noexcept;

private:
    NetlinkSocket& firewall() const;
    ContainerPlan plan_;
    std::string owner_;
    Fd space_;
    /// Kept open: closing one waits until the kernel has let go of what was just removed from a firewall, by anybody (an RCU
    /// grace period, 16 ms), and nothing of that is to delay a start or an end.
    mutable std::unique_ptr<NetlinkSocket> firewall_;
    std::vector<Fd> held_ports_;
};

/// What a killed monitor left of a container that is dead; the same as end() without having started.
void clear_network(const ContainerPlan& plan, const Dir& run_root, const std::string& owner) noexcept;

} // namespace kist::netns
