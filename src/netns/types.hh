// SPDX-License-Identifier: Apache-2.0
// What the parts of kist tell each other about networks: plain values with their JSON fields, no system calls. The engine
// plans them, the container's record and its monitor's job hold them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/fields.hh"

namespace kist::netns {

/// One -p: `count` ports of the host from `host_port` on lead to as many of the container. With `host_until` it is one
/// port, the first from `host_port` to there that is free.
struct PortMapping {
    std::string protocol = "tcp"; ///< tcp, udp, sctp
    std::string host_ip;          ///< empty: every address of the host
    std::uint16_t host_port = 0;  ///< 0: one that is free, chosen at each start
    std::uint16_t container_port = 0;
    std::uint16_t count = 1;
    std::uint16_t host_until = 0; ///< 0: host_port and no other
    bool operator==(const PortMapping&) const = default;
    static constexpr void fields(auto&& field) {
        field("protocol", &PortMapping::protocol);
        field("host_ip", &PortMapping::host_ip);
        field("host_port", &PortMapping::host_port);
        field("container_port", &PortMapping::container_port, required);
        field("count", &PortMapping::count);
        field("host_until", &PortMapping::host_until);
    }
};

/// A subnet of a network. `gateway` is the host's address in it.
struct SubnetConfig {
    std::string subnet;  ///< "10.88.0.0/16"
    std::string gateway; ///< "10.88.0.1"; empty: none
    std::string range;   ///< addresses are leased from this part; empty: from all of it
    bool operator==(const SubnetConfig&) const = default;
    static constexpr void fields(auto&& field) {
        field("subnet", &SubnetConfig::subnet, required);
        field("gateway", &SubnetConfig::gateway);
        field("range", &SubnetConfig::range);
    }
};

struct RouteConfig {
    std::string destination; ///< "10.9.0.0/16"
    std::string gateway;
    std::uint32_t metric = 0;
    bool operator==(const RouteConfig&) const = default;
    static constexpr void fields(auto&& field) {
        field("destination", &RouteConfig::destination, required);
        field("gateway", &RouteConfig::gateway, required);
        field("metric", &RouteConfig::metric);
    }
};

/// What the kernel is told of a network: everything that a monitor needs to make it, or to make it again.
struct NetworkPlan {
    std::string name;
    std::string driver = "bridge"; ///< bridge, macvlan, ipvlan
    std::string mode;              ///< of macvlan and ipvlan: bridge, private, l2, l3 …
    std::string device;            ///< the bridge's interface; the parent of a macvlan
    std::string owner;             ///< run root of the kist that makes the bridge, written into it as its alias
    bool foreign_device = false;   ///< the bridge was there before us: never changed, never removed
    std::vector<SubnetConfig> subnets;
    std::vector<RouteConfig> routes;
    std::uint32_t mtu = 0;  ///< 0: the kernel's default
    std::uint16_t vlan = 0; ///< the bridge keeps to this VLAN: its ports are untagged members; 0: it knows none
    bool internal = false;  ///< no way out, none in
    bool talk = true;       ///< containers of this network may talk to each other (icc)
    bool open = false;      ///< not isolated from other networks (isolate=false)
    bool masquerade = true;
    bool names = false; ///< its containers find each other by name
    bool operator==(const NetworkPlan&) const = default;
    static constexpr void fields(auto&& field) {
        using P = NetworkPlan;
        field("name", &P::name, required);
        field("driver", &P::driver);
        field("mode", &P::mode);
        field("device", &P::device, required);
        field("owner", &P::owner);
        field("foreign_device", &P::foreign_device);
        field("subnets", &P::subnets);
        field("routes", &P::routes);
        field("mtu", &P::mtu);
        field("vlan", &P::vlan);
        field("internal", &P::internal);
        field("talk", &P::talk);
        field("open", &P::open);
        field("masquerade", &P::masquerade);
        field("names", &P::names);
    }
};

/// A container's place in a network.
struct Attachment {
    NetworkPlan network;
    std::string interface;      ///< in the container: eth0
    std::string host_interface; ///< the host's end of the pair: named before it is made (SEEDS A243)
    std::string mac;
    std::vector<std::string> addresses; ///< "10.88.0.2/16", leased; at most one of each family
    std::vector<std::string> aliases;   ///< further names in this network
    /// --link: names that only this container knows, and the ids of the containers that are meant
    std::map<std::string, std::string> links = {};
    /// sends from its own addresses only; not with CAP_NET_ADMIN, which may give itself others
    bool guarded = true;
    bool operator==(const Attachment&) const = default;
    static constexpr void fields(auto&& field) {
        using A = Attachment;
        field("network", &A::network, required);
        field("interface", &A::interface, required);
        field("host_interface", &A::host_interface);
        field("mac", &A::mac);
        field("addresses", &A::addresses);
        field("aliases", &A::aliases);
        field("links", &A::links);
        field("guarded", &A::guarded);
    }
};

/// All of a container's networking, as its monitor carries it out. Nothing attached: the monitor has nothing to do with it.
struct ContainerPlan {
    std::vector<Attachment> attachments;
    std::vector<PortMapping> ports;
    bool name_service = false;             ///< the monitor answers at 127.0.0.11 in the container
    std::vector<std::string> name_servers; ///< of the host or of --dns: whom it asks what it does not know
    std::string pin;                       ///< name of the link in /run/netns; empty: none
    bool operator==(const ContainerPlan&) const = default;
    static constexpr void fields(auto&& field) {
        field("attachments", &ContainerPlan::attachments);
        field("ports", &ContainerPlan::ports);
        field("name_service", &ContainerPlan::name_service);
        field("name_servers", &ContainerPlan::name_servers);
        field("pin", &ContainerPlan::pin);
    }
};

} // namespace kist::netns
