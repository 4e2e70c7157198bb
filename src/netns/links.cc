// SPDX-License-Identifier: Apache-2.0
#include "netns/links.hh"

#include <algorithm>
#include <cstring>

#include <net/if.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "netns/namespace.hh"

namespace kist::netns {

namespace {

constexpr std::string_view alias_prefix = "kist "; ///< of a bridge that some kist made

template <typename T>
std::string_view bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

ifreq request_for(const std::string& name) {
    ifreq request{};
    if (name.size() >= IFNAMSIZ) throw Error("'{}' is too long for the name of a link", name);
    std::memcpy(request.ifr_name, name.data(), name.size());
    return request;
}

std::uint32_t need_index(const NetlinkSocket& socket, const std::string& name) {
    const auto index = link_index(socket, name);
    if (!index) throw Error("link '{}' does not exist", name);
    return *index;
}

ifinfomsg up_header(std::uint32_t index = 0) {
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(index);
    header.ifi_flags = IFF_UP;
    header.ifi_change = IFF_UP;
    return header;
}

void put_mac(NetlinkBatch& batch, std::uint16_t attribute, const Mac& mac) { batch.put(attribute, bytes_of(mac)); }

void put_address(NetlinkBatch& batch, std::uint32_t index, const InterfaceAddress& own, const std::string& link) {
    ifaddrmsg header{};
    header.ifa_family = static_cast<unsigned char>(own.address.family());
    header.ifa_prefixlen = static_cast<unsigned char>(own.prefix);
    header.ifa_index = index;
    // The lease is what keeps it unique; without this flag an IPv6 address could not be used for a second.
    if (own.address.is_v6()) header.ifa_flags = IFA_F_NODAD;
    batch.begin(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, header,
                fmt::format("giving '{}' address {}", link, own.str()));
    batch.put(IFA_LOCAL, own.address.bytes());
    batch.put(IFA_ADDRESS, own.address.bytes());
    if (!own.address.is_v6() && own.prefix < 31) {
        const Address broadcast = own.subnet().last();
        batch.put(IFA_BROADCAST, broadcast.bytes());
    }
}

void put_route(NetlinkBatch& batch, std::uint32_t index, const std::optional<Subnet>& destination,
               const Address& gateway, std::uint32_t metric) {
    rtmsg header{};
    header.rtm_family = static_cast<unsigned char>(gateway.family());
    header.rtm_dst_len = static_cast<unsigned char>(destination ? destination->prefix() : 0);
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_protocol = RTPROT_STATIC;
    header.rtm_scope = RT_SCOPE_UNIVERSE;
    header.rtm_type = RTN_UNICAST;
    batch.begin(
        RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, header,
        fmt::format("adding the route to {} by {}", destination ? destination->str() : "everywhere", gateway.str()));
    if (destination) batch.put(RTA_DST, destination->base().bytes());
    batch.put(RTA_GATEWAY, gateway.bytes());
    batch.put_u32(RTA_OIF, index);
    if (metric != 0) batch.put_u32(RTA_PRIORITY, metric);
}

std::vector<InterfaceAddress> bridge_addresses(const NetworkPlan& network) {
    std::vector<InterfaceAddress> own;
    for (const SubnetConfig& subnet : network.subnets) {
        const auto range = Subnet::parse(subnet.subnet);
        const auto gateway = Address::parse(subnet.gateway);
        if (range && gateway) own.push_back({*gateway, range->prefix()});
    }
    return own;
}

bool has_v6(const NetworkPlan& network) {
    return std::any_of(network.subnets.begin(), network.subnets.end(),
                       [](const SubnetConfig& s) { return s.subnet.find(':') != std::string::npos; });
}

void make_bridge(NetlinkSocket& host, const NetworkPlan& network) {
    NetlinkBatch batch;
    batch.begin(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{},
                fmt::format("making bridge '{}'", network.device));
    batch.put_text(IFLA_IFNAME, network.device);
    // An address of its own, or it would take the lowest of its ports' and change with them.
    const auto own = bridge_addresses(network);
    Mac mac = own.empty() ? Mac{0x02, 0x42, 0xfe, 0, 0, 1} : mac_of(own.front().address);
    mac[1] = 0x43; // a container that has the gateway's address on another network may be bridged with it
    put_mac(batch, IFLA_ADDRESS, mac);
    const std::string uplink = network.mtu == 0 ? default_interface(host) : "";
    const std::uint32_t mtu = network.mtu != 0 ? network.mtu : uplink.empty() ? 0 : link_mtu(host, uplink);
    if (mtu != 0) batch.put_u32(IFLA_MTU, mtu);
    batch.open(IFLA_LINKINFO);
    batch.put_text(IFLA_INFO_KIND, "bridge");
    if (network.vlan != 0) {
        // Every port that joins, and the bridge itself, becomes an untagged member of this VLAN.
        batch.open(IFLA_INFO_DATA);
        batch.put_u8(IFLA_BR_VLAN_FILTERING, 1);
        batch.put_u16(IFLA_BR_VLAN_DEFAULT_PVID, network.vlan);
        batch.close();
    }
    batch.close();
    if (!network.owner.empty()) {
        // A new link takes no alias; in the same system call, so that none is ever seen without.
        batch.begin(RTM_NEWLINK, NLM_F_ACK, ifinfomsg{}, fmt::format("marking bridge '{}'", network.device));
        batch.put_text(IFLA_IFNAME, network.device);
        batch.put_text(IFLA_IFALIAS, bridge_alias(network.owner));
    }
    const auto failures = host.try_send(batch);
    if (!failures.empty() && failures.front().code != EEXIST) {
        SysError error(SysError::Code{failures.front().code}, "{}", failures.front().what);
        if (error.code == EOPNOTSUPP)
            error.with_hint(network.vlan != 0
                                ? "this kernel's bridges have no VLAN filtering (CONFIG_BRIDGE_VLAN_FILTERING)"
                                : "this kernel has no bridges (module 'bridge')");
        throw error;
    }
    // Before it is up, so that it never has a link-local address and never listens to a router.
    write_sysctl("ipv6/conf/" + network.device + "/accept_ra", "0");
    write_sysctl("ipv6/conf/" + network.device + "/disable_ipv6", has_v6(network) ? "0" : "1");
}

} // namespace

std::optional<std::uint32_t> link_index(const NetlinkSocket& socket, const std::string& name) {
    ifreq request = request_for(name);
    if (::ioctl(socket.fd().get(), SIOCGIFINDEX, &request) == 0) return static_cast<std::uint32_t>(request.ifr_ifindex);
    if (errno == ENODEV) return std::nullopt;
    throw SysError("looking for link '{}'", name);
}

std::string bridge_alias(const std::string& owner) { return std::string(alias_prefix) + owner; }

std::optional<std::string> link_alias(NetlinkSocket& socket, const std::string& name) {
    const auto index = link_index(socket, name);
    if (!index) return std::nullopt;
    NetlinkBatch batch;
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(*index);
    batch.begin(RTM_GETLINK, 0, header, fmt::format("looking at link '{}'", name));
    std::string alias;
    socket.query(batch, [&](const NetlinkMessage& message) {
        if (message.payload.size() < sizeof(ifinfomsg)) return;
        for (const Attribute& attribute : parse_attributes(message.payload.substr(sizeof(ifinfomsg))))
            if (attribute.type == IFLA_IFALIAS) alias = attribute.text();
    });
    return alias;
}

bool has_foreign_bridge(NetlinkSocket& socket) {
    NetlinkBatch batch;
    batch.begin(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}, "looking for bridges");
    bool found = false;
    socket.query(batch, [&](const NetlinkMessage& message) {
        if (message.payload.size() < sizeof(ifinfomsg)) return;
        const std::string_view attributes = message.payload.substr(sizeof(ifinfomsg));
        const std::string_view kind = find_attribute(find_attribute(attributes, IFLA_LINKINFO), IFLA_INFO_KIND);
        if (kind.starts_with("bridge") && !find_attribute(attributes, IFLA_IFALIAS).starts_with(alias_prefix))
            found = true;
    });
    return found;
}

std::uint32_t link_mtu(const NetlinkSocket& socket, const std::string& name) {
    ifreq request = request_for(name);
    if (::ioctl(socket.fd().get(), SIOCGIFMTU, &request) != 0) throw SysError("reading the MTU of '{}'", name);
    return static_cast<std::uint32_t>(request.ifr_mtu);
}

bool ensure_bridge(NetlinkSocket& host, const NetworkPlan& network) {
    const auto wanted = bridge_addresses(network);
    auto index = link_index(host, network.device);
    const bool missing = !index;
    if (missing) {
        if (network.foreign_device)
            throw Error("bridge '{}' of network '{}' does not exist", network.device, network.name);
        make_bridge(host, network);
        index = need_index(host, network.device);
    }
    NetlinkBatch batch;
    if (!network.foreign_device) {
        std::vector<InterfaceAddress> there;
        if (!missing) there = link_addresses(host, network.device);
        for (const InterfaceAddress& own : there) {
            if (std::find(wanted.begin(), wanted.end(), own) != wanted.end()) continue;
            ifaddrmsg header{};
            header.ifa_family = static_cast<unsigned char>(own.address.family());
            header.ifa_prefixlen = static_cast<unsigned char>(own.prefix);
            header.ifa_index = *index;
            batch.begin(RTM_DELADDR, NLM_F_ACK, header,
                        fmt::format("taking address {} from '{}'", own.str(), network.device));
            batch.put(IFA_LOCAL, own.address.bytes());
        }
        for (const InterfaceAddress& own : wanted)
            if (std::find(there.begin(), there.end(), own) == there.end())
                put_address(batch, *index, own, network.device);
        if (missing)
            batch.begin(RTM_NEWLINK, NLM_F_ACK, up_header(*index), fmt::format("bringing up '{}'", network.device));
    }
    if (batch.empty()) return false;
    host.send(batch);
    return true;
}

bool remove_link(NetlinkSocket& socket, const std::string& name) {
    const auto index = link_index(socket, name);
    if (!index) return false;
    NetlinkBatch batch;
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(*index);
    batch.begin(RTM_DELLINK, NLM_F_ACK, header, fmt::format("removing link '{}'", name));
    const auto failures = socket.try_send(batch);
    if (failures.empty()) return true;
    if (failures.front().code == ENODEV) return false;
    throw SysError(SysError::Code{failures.front().code}, "{}", failures.front().what);
}

namespace {

/// How the bridge treats the port, in a message about the link itself. Hairpin: where bridged packets pass through the
/// firewall (br_netfilter), a container that calls itself by a published port gets its packet back by the port it came from.
void put_port_settings(NetlinkBatch& batch, const Attachment& attachment) {
    batch.open(IFLA_LINKINFO);
    batch.put_text(IFLA_INFO_SLAVE_KIND, "bridge");
    batch.open(IFLA_INFO_SLAVE_DATA);
    batch.put_u8(IFLA_BRPORT_MODE, 1);
    if (!attachment.network.talk) batch.put_u8(IFLA_BRPORT_ISOLATED, 1);
    batch.close();
    batch.close();
}

void add_pair(NetlinkSocket& host, const Attachment& attachment, const Fd& target, const Mac& mac) {
    const std::uint32_t bridge = need_index(host, attachment.network.device);
    const std::uint32_t mtu = link_mtu(host, attachment.network.device);
    NetlinkBatch batch;
    batch.begin(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{},
                fmt::format("making the pair of links '{}' and '{}'", attachment.host_interface, attachment.interface));
    batch.put_text(IFLA_IFNAME, attachment.host_interface);
    batch.put_u32(IFLA_MASTER, bridge);
    batch.put_u32(IFLA_MTU, mtu);
    batch.open(IFLA_LINKINFO);
    batch.put_text(IFLA_INFO_KIND, "veth");
    batch.open(IFLA_INFO_DATA);
    batch.open(VETH_INFO_PEER);
    batch.put_plain(bytes_of(ifinfomsg{}));
    batch.put_text(IFLA_IFNAME, attachment.interface);
    batch.put_u32(IFLA_MTU, mtu);
    put_mac(batch, IFLA_ADDRESS, mac);
    batch.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(target.get()));
    batch.close();
    batch.close();
    batch.close();
    // A port of a bridge needs no address of its own; up only when that is settled.
    batch.begin(RTM_NEWLINK, NLM_F_ACK, up_header(), fmt::format("bringing up '{}'", attachment.host_interface));
    batch.put_text(IFLA_IFNAME, attachment.host_interface);
    batch.open(IFLA_AF_SPEC);
    batch.open(AF_INET6);
    batch.put_u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    batch.close();
    batch.close();
    put_port_settings(batch, attachment);
    const auto failures = host.try_send(batch);
    if (failures.empty()) return;
    // The link of an earlier run under this name, whose namespace has not quite ended.
    if (failures.front().code == EEXIST && remove_link(host, attachment.host_interface)) return host.send(batch);
    throw SysError(SysError::Code{failures.front().code}, "{}", failures.front().what);
}

std::uint32_t macvlan_mode(const std::string& mode) {
    if (mode == "private") return MACVLAN_MODE_PRIVATE;
    if (mode == "vepa") return MACVLAN_MODE_VEPA;
    if (mode == "passthru") return MACVLAN_MODE_PASSTHRU;
    return MACVLAN_MODE_BRIDGE;
}

std::uint16_t ipvlan_mode(const std::string& mode) {
    if (mode == "l3") return IPVLAN_MODE_L3;
    if (mode == "l3s") return IPVLAN_MODE_L3S;
    return IPVLAN_MODE_L2;
}

/// A link of its own below the parent's, made in the container's namespace at once.
void add_child_link(NetlinkSocket& host, const Attachment& attachment, const Fd& target, const Mac& mac) {
    const NetworkPlan& network = attachment.network;
    const std::uint32_t parent = need_index(host, network.device);
    NetlinkBatch batch;
    batch.begin(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{},
                fmt::format("making the {} link '{}' on '{}'", network.driver, attachment.interface, network.device));
    batch.put_text(IFLA_IFNAME, attachment.interface);
    batch.put_u32(IFLA_LINK, parent);
    batch.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(target.get()));
    if (network.mtu != 0) batch.put_u32(IFLA_MTU, network.mtu);
    if (network.driver == "macvlan") put_mac(batch, IFLA_ADDRESS, mac);
    batch.open(IFLA_LINKINFO);
    batch.put_text(IFLA_INFO_KIND, network.driver);
    batch.open(IFLA_INFO_DATA);
    if (network.driver == "macvlan") batch.put_u32(IFLA_MACVLAN_MODE, macvlan_mode(network.mode));
    else batch.put_u16(IFLA_IPVLAN_MODE, ipvlan_mode(network.mode));
    batch.close();
    batch.close();
    const auto failures = host.try_send(batch);
    if (failures.empty()) return;
    SysError error(SysError::Code{failures.front().code}, "{}", failures.front().what);
    if (error.code == EOPNOTSUPP) error.with_hint("this kernel has no module '" + network.driver + "'");
    throw error;
}

} // namespace

void add_interface(NetlinkSocket& host, const Attachment& attachment, const Fd& target) {
    const auto mac = parse_mac(attachment.mac);
    if (!mac) throw Error("'{}' is no hardware address", attachment.mac);
    if (attachment.network.driver == "bridge") return add_pair(host, attachment, target, *mac);
    add_child_link(host, attachment, target, *mac);
}

void configure_interface(NetlinkSocket& inside, const Attachment& attachment, bool first) {
    const std::uint32_t index = need_index(inside, attachment.interface);
    NetlinkBatch batch;
    std::vector<InterfaceAddress> own;
    for (const std::string& text : attachment.addresses)
        if (const auto address = InterfaceAddress::parse(text)) own.push_back(*address);
    for (const InterfaceAddress& address : own) put_address(batch, index, address, attachment.interface);
    batch.begin(RTM_NEWLINK, NLM_F_ACK, up_header(index), fmt::format("bringing up '{}'", attachment.interface));
    if (first && !attachment.network.internal)
        for (const SubnetConfig& subnet : attachment.network.subnets) {
            const auto gateway = Address::parse(subnet.gateway);
            const bool usable = gateway && std::any_of(own.begin(), own.end(), [&](const InterfaceAddress& a) {
                                    return a.subnet().contains(*gateway);
                                });
            if (usable) put_route(batch, index, std::nullopt, *gateway, 0);
        }
    for (const RouteConfig& route : attachment.network.routes) {
        const auto destination = Subnet::parse(route.destination);
        const auto gateway = Address::parse(route.gateway);
        if (destination && gateway) put_route(batch, index, destination, *gateway, route.metric);
    }
    inside.send(batch);
}

void bring_up(NetlinkSocket& socket, const std::string& name) {
    NetlinkBatch batch;
    batch.begin(RTM_NEWLINK, NLM_F_ACK, up_header(need_index(socket, name)), fmt::format("bringing up '{}'", name));
    socket.send(batch);
}

bool join_bridge(NetlinkSocket& host, const Attachment& attachment) {
    const auto bridge = link_index(host, attachment.network.device), own = link_index(host, attachment.host_interface);
    if (!bridge || !own) return false;
    NetlinkBatch batch;
    batch.begin(RTM_NEWLINK, NLM_F_ACK, up_header(*own),
                fmt::format("making '{}' a port of '{}'", attachment.host_interface, attachment.network.device));
    batch.put_u32(IFLA_MASTER, *bridge);
    batch.begin(RTM_NEWLINK, NLM_F_ACK, up_header(*own),
                fmt::format("setting up port '{}'", attachment.host_interface));
    put_port_settings(batch, attachment);
    host.send(batch);
    return true;
}

namespace {

struct RouteInfo {
    std::optional<Subnet> destination;
    std::uint32_t interface = 0;
};

void for_each_route(NetlinkSocket& socket, int family, const std::function<void(const RouteInfo&)>& call) {
    NetlinkBatch batch;
    rtmsg request{};
    request.rtm_family = static_cast<unsigned char>(family);
    batch.begin(RTM_GETROUTE, NLM_F_DUMP, request, "listing routes");
    socket.query(batch, [&](const NetlinkMessage& message) {
        if (message.payload.size() < sizeof(rtmsg)) return;
        rtmsg header{};
        std::memcpy(&header, message.payload.data(), sizeof header);
        if (header.rtm_table != RT_TABLE_MAIN && header.rtm_table != RT_TABLE_UNSPEC &&
            header.rtm_table != RT_TABLE_COMPAT)
            return;
        if (header.rtm_type != RTN_UNICAST) return;
        RouteInfo route;
        for (const Attribute& attribute : parse_attributes(message.payload.substr(sizeof header))) {
            if (attribute.type == RTA_DST && (attribute.bytes.size() == 4 || attribute.bytes.size() == 16))
                route.destination = Subnet(Address::from_bytes(attribute.bytes), header.rtm_dst_len);
            if (attribute.type == RTA_OIF) route.interface = attribute.u32();
        }
        call(route);
    });
}

} // namespace

std::vector<Subnet> routed_subnets(NetlinkSocket& socket) {
    std::vector<Subnet> subnets;
    for (const int family : {AF_INET, AF_INET6})
        for_each_route(socket, family, [&](const RouteInfo& route) {
            if (route.destination) subnets.push_back(*route.destination);
        });
    return subnets;
}

std::string default_interface(NetlinkSocket& socket) {
    std::uint32_t found = 0;
    for_each_route(socket, AF_INET, [&](const RouteInfo& route) {
        if (!route.destination && found == 0) found = route.interface;
    });
    if (found == 0) return "";
    ifreq request{};
    request.ifr_ifindex = static_cast<int>(found);
    return ::ioctl(socket.fd().get(), SIOCGIFNAME, &request) == 0 ? request.ifr_name : "";
}

std::vector<InterfaceAddress> link_addresses(NetlinkSocket& socket, const std::string& name) {
    const std::uint32_t index = need_index(socket, name);
    NetlinkBatch batch;
    batch.begin(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}, fmt::format("reading the addresses of '{}'", name));
    std::vector<InterfaceAddress> found;
    socket.query(batch, [&](const NetlinkMessage& message) {
        if (message.payload.size() < sizeof(ifaddrmsg)) return;
        ifaddrmsg header{};
        std::memcpy(&header, message.payload.data(), sizeof header);
        if (header.ifa_index != index || header.ifa_scope == RT_SCOPE_LINK) return;
        std::string_view address, local;
        for (const Attribute& attribute : parse_attributes(message.payload.substr(sizeof header))) {
            if (attribute.type == IFA_ADDRESS) address = attribute.bytes;
            if (attribute.type == IFA_LOCAL) local = attribute.bytes;
        }
        const std::string_view own = local.empty() ? address : local;
        if (own.size() == 4 || own.size() == 16) found.push_back({Address::from_bytes(own), header.ifa_prefixlen});
    });
    return found;
}

} // namespace kist::netns
