// SPDX-License-Identifier: Apache-2.0
#include "netns/container_network.hh"

#include <algorithm>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.hh"
#include "base/text.hh"
#include "netns/firewall.hh"
#include "netns/forwarding.hh"
#include "netns/leases.hh"
#include "netns/links.hh"
#include "netns/namespace.hh"
#include "netns/ports.hh"

namespace kist::netns {

namespace {

constexpr const char* pin_folder = "/run/netns";

bool has_family(const Attachment& attachment, bool v6) {
    return std::any_of(attachment.addresses.begin(), attachment.addresses.end(),
                       [&](const std::string& address) { return (address.find(':') != std::string::npos) == v6; });
}

bool any_v6(const ContainerPlan& plan) {
    return std::any_of(plan.attachments.begin(), plan.attachments.end(),
                       [](const Attachment& a) { return has_family(a, true); });
}

/// Ports lead to addresses on bridges.
Families reachable(const ContainerPlan& plan) {
    Families families;
    for (const Attachment& attachment : plan.attachments) {
        if (attachment.network.driver != "bridge") continue;
        families.v4 = families.v4 || has_family(attachment, false);
        families.v6 = families.v6 || has_family(attachment, true);
    }
    return families;
}

bool needs_firewall(const ContainerPlan& plan) {
    return std::any_of(plan.attachments.begin(), plan.attachments.end(),
                       [](const Attachment& a) { return a.network.driver == "bridge"; });
}

void prepare_bridge(NetlinkSocket& host, const Attachment& attachment, const Dir& run_root, bool publishes) {
    const NetworkPlan& network = attachment.network;
    if (network.driver != "bridge") return;
    try {
        ensure_bridge(host, network);
        if (!network.internal) enable_forwarding(run_root, has_family(attachment, true));
        // So that 127.0.0.1:PORT of the host leads to the container; the firewall's `guard` keeps containers from using it.
        const std::string route_localnet = "ipv4/conf/" + network.device + "/route_localnet";
        if (publishes && read_sysctl(route_localnet) == "0") write_sysctl(route_localnet, "1");
    } catch (Error& error) {
        error.while_doing("network '{}'", network.name);
        throw;
    }
}

/// What every link made from now on in the namespace that the thread is in will have.
void set_defaults(bool v6) {
    write_sysctl("ipv6/conf/default/accept_ra", "0");
    if (!v6) write_sysctl("ipv6/conf/default/disable_ipv6", "1");
}

void configure_inside(const ContainerPlan& plan) {
    NetlinkSocket inside(NETLINK_ROUTE);
    bring_up(inside, "lo");
    bool has_default[2] = {false, false};
    for (const Attachment& attachment : plan.attachments) {
        const bool v6 = has_family(attachment, true), first = !has_default[v6 ? 1 : 0];
        configure_interface(inside, attachment, first);
        if (!attachment.network.internal) has_default[v6 ? 1 : 0] = true;
    }
}

void release_leases(const ContainerPlan& plan, const Dir& run_root, const std::string& owner) {
    for (const Attachment& attachment : plan.attachments) {
        const Leases leases(run_root, attachment.network.name);
        for (const std::string& text : attachment.addresses)
            if (const auto own = InterfaceAddress::parse(text)) leases.release(own->address, owner);
    }
}

void remove_pin(const std::string& pin) {
    if (!pin.empty()) (void)::unlink(fmt::format("{}/{}", pin_folder, pin).c_str());
}

/// What is left behind is found by the next sweep: each thing carries its owner's name.
template <typename Step>
void attempt(const Step& step) noexcept {
    try {
        step();
    } catch (const std::exception& error) {
        log::debug("clearing a network: {}", error.what());
    }
}

template <typename Firewall>
void clear(const ContainerPlan& plan, const Dir& run_root, const std::string& owner,
           const Firewall& firewall) noexcept {
    remove_pin(plan.pin);
    if (needs_firewall(plan)) attempt([&] { close_firewall(firewall(), plan, owner); });
    attempt([&] { release_leases(plan, run_root, owner); });
}

} // namespace

ContainerNetwork ContainerNetwork::start(ContainerPlan plan, const Dir& run_root, const std::string& owner,
                                         const Fd& users) {
    ContainerNetwork network;
    network.plan_ = std::move(plan);
    network.owner_ = owner;
    try {
        network.held_ports_ = reserve_ports(network.plan_.ports, reachable(network.plan_));
        network.space_ = make_namespace(users);
        NetlinkSocket host(NETLINK_ROUTE);
        for (const Attachment& attachment : network.plan_.attachments)
            prepare_bridge(host, attachment, run_root, !network.plan_.ports.empty());
        if (needs_firewall(network.plan_)) {
            // Before the links: from the first packet on the container is fenced in.
            open_firewall(network.firewall(), network.plan_, owner);
        }
        {
            const InNamespace inside(network.space_);
            set_defaults(any_v6(network.plan_));
        }
        for (const Attachment& attachment : network.plan_.attachments) add_interface(host, attachment, network.space_);
        const InNamespace inside(network.space_);
        configure_inside(network.plan_);
    } catch (...) {
        network.end(run_root);
        throw;
    }
    return network;
}

ContainerNetwork ContainerNetwork::adopt(ContainerPlan plan, const std::string& owner, Fd space) {
    ContainerNetwork network;
    network.plan_ = std::move(plan);
    network.owner_ = owner;
    network.space_ = std::move(space);
    for (PortMapping& port : network.plan_.ports) {
        std::vector<PortMapping> one{port};
        try {
            for (Fd& held : reserve_ports(one, reachable(network.plan_)))
                network.held_ports_.push_back(std::move(held));
        } catch (const Error&) { // see the header
        }
    }
    network.mend();
    return network;
}

bool ContainerNetwork::has_firewall() const { return needs_firewall(plan_); }

void ContainerNetwork::pin(pid_t pid) const {
    if (plan_.pin.empty()) return;
    // Best effort: a host without /run/netns has nobody who looks there.
    if (::mkdir(pin_folder, 0755) != 0 && errno != EEXIST) return;
    const std::string path = fmt::format("{}/{}", pin_folder, plan_.pin), target = fmt::format("/proc/{}/ns/net", pid);
    (void)::unlink(path.c_str());
    if (::symlink(target.c_str(), path.c_str()) != 0) return;
}

void ContainerNetwork::mend() const {
    if (!needs_firewall(plan_)) return;
    mend_firewall(firewall(), plan_, owner_);
}

NetlinkSocket& ContainerNetwork::firewall() const {
    if (!firewall_) firewall_ = std::make_unique<NetlinkSocket>(NETLINK_NETFILTER);
    return *firewall_;
}

void ContainerNetwork::reload(const Dir& run_root) const {
    NetlinkSocket host(NETLINK_ROUTE);
    for (const Attachment& attachment : plan_.attachments) {
        if (attachment.network.driver != "bridge") continue;
        prepare_bridge(host, attachment, run_root, !plan_.ports.empty());
        join_bridge(host, attachment);
    }
    mend();
}

void ContainerNetwork::connect(const Attachment& attachment, const Dir& run_root) {
    NetlinkSocket host(NETLINK_ROUTE);
    prepare_bridge(host, attachment, run_root, !plan_.ports.empty());
    plan_.attachments.push_back(attachment);
    try {
        if (attachment.network.driver == "bridge") mend();
        if (has_family(attachment, true)) {
            const InNamespace inside(space_);
            write_sysctl("ipv6/conf/default/disable_ipv6", "0");
        }
        add_interface(host, attachment, space_);
        const InNamespace inside(space_);
        NetlinkSocket socket(NETLINK_ROUTE);
        const bool only = std::all_of(plan_.attachments.begin(), plan_.attachments.end() - 1,
                                      [](const Attachment& a) { return a.network.internal; });
        configure_interface(socket, attachment, only);
    } catch (...) {
        disconnect(attachment.network.name, run_root);
        throw;
    }
}

void ContainerNetwork::disconnect(const std::string& network, const Dir& run_root) {
    const auto found = std::find_if(plan_.attachments.begin(), plan_.attachments.end(),
                                    [&](const Attachment& a) { return a.network.name == network; });
    if (found == plan_.attachments.end()) throw Error("it is not connected to network '{}'", network);
    ContainerPlan gone;
    gone.attachments.push_back(*found);
    if (needs_firewall(plan_)) close_firewall(firewall(), plan_, owner_); // its ports may have led to this network
    plan_.attachments.erase(found);
    {
        const InNamespace inside(space_);
        NetlinkSocket socket(NETLINK_ROUTE);
        remove_link(socket, gone.attachments.front().interface);
    }
    release_leases(gone, run_root, owner_);
    mend();
}

void ContainerNetwork::serve_names(std::vector<std::string> servers) {
    plan_.name_service = true;
    plan_.name_servers = std::move(servers);
}

void ContainerNetwork::end(const Dir& run_root) noexcept {
    if (!plan_.attachments.empty() || !plan_.pin.empty())
        clear(plan_, run_root, owner_, [this]() -> NetlinkSocket& { return firewall(); });
    plan_ = {};
    // Last: from here on the ports may be somebody else's.
    held_ports_.clear();
    space_.reset();
}

void clear_network(const ContainerPlan& plan, const Dir& run_root, const std::string& owner) noexcept {
    std::optional<NetlinkSocket> socket;
    clear(plan, run_root, owner, [&]() -> NetlinkSocket& { return socket.emplace(NETLINK_NETFILTER); });
}

} // namespace kist::netns
