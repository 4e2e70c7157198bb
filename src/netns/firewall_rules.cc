// SPDX-License-Identifier: Apache-2.0
// The rules that stand as long as a network does. firewall.hh shows them together.
#include "netns/firewall_rules.hh"

#include <array>

#include <netinet/in.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_bridge.h>
#include <linux/rtnetlink.h>

namespace kist::netns {

namespace {

constexpr unsigned data_register = 8; // keys use 0 to 5

template <typename T>
std::string host_order(T value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string bytes(std::initializer_list<unsigned> list) {
    std::string text;
    for (const unsigned byte : list) text.push_back(static_cast<char>(byte));
    return text;
}

/// Where addresses stand in a packet, and how long they are.
struct Family {
    std::uint8_t number;
    unsigned source, destination, length;
    std::string_view suffix; ///< of the sets' names
    KeyType type;
};
constexpr Family ipv4{NFPROTO_IPV4, 12, 16, 4, "4", type_ipv4};
constexpr Family ipv6{NFPROTO_IPV6, 8, 24, 16, "6", type_ipv6};

std::string set_name(std::string_view base, const Family& family) {
    return std::string(base) + std::string(family.suffix);
}

unsigned words(const Family& family) { return family.length / 4; }

Rule of_family(const Family& family) {
    Rule rule;
    rule.meta(NFT_META_NFPROTO, 0).equals(0, bytes({family.number}));
    return rule;
}

/// [destination .] protocol . port, looked up in a map of address [. port].
Rule published(const Family& family, std::string_view map, bool with_address, bool with_port) {
    Rule rule = of_family(family);
    unsigned at = 0;
    if (with_address) {
        rule.payload(NFT_PAYLOAD_NETWORK_HEADER, family.destination, family.length, 0);
        at = words(family);
    }
    rule.meta(NFT_META_L4PROTO, at);
    rule.payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, at + 1);
    rule.map(set_name(map, family), 0, data_register);
    rule.dnat(family.number, data_register, with_port ? static_cast<int>(data_register + words(family)) : -1);
    return rule;
}

class TableWriter {
public:
    TableWriter(NftBatch& batch, int family) : batch_(batch), family_(family) { batch_.add_table(family, table, true); }
    void set(SetSpec spec) { batch_.add_set(family_, table, spec); }
    void chain(const ChainSpec& spec) { batch_.add_chain(family_, table, spec); }
    void rule(std::string_view chain, const Rule& rule) { batch_.add_rule(family_, table, chain, rule); }

private:
    static constexpr std::string_view table = "kist";
    NftBatch& batch_;
    int family_;
};

void add_sets(TableWriter& table) {
    for (const char* name : {"bridges", "internal", "open", "masquerade", "links"}) table.set({name, {type_interface}});
    table.set({"same", {type_interface, type_interface}});
    for (const Family& family : {ipv4, ipv6}) {
        table.set({set_name("neighbours", family), {type_interface, family.type}, {}, true});
        table.set({set_name("published", family), {type_protocol, type_port}, {family.type, type_port}});
        table.set(
            {set_name("published_on", family), {family.type, type_protocol, type_port}, {family.type, type_port}});
        table.set({set_name("ranges", family), {family.type, type_protocol, type_port}, {family.type}, true});
    }
}

void add_nat(TableWriter& table) {
    table.chain({"published"});
    for (const Family& family : {ipv4, ipv6}) {
        table.rule("published", published(family, "published_on", true, true));
        table.rule("published", published(family, "published", false, true));
        table.rule("published", published(family, "ranges", true, false));
    }
    table.chain({"prerouting", "nat", NF_INET_PRE_ROUTING, -100});
    table.chain({"output", "nat", NF_INET_LOCAL_OUT, -100});
    // The kernel lets no packet from ::1 leave the loopback interface. Left alone such a connection is refused at once, and
    // clients of "localhost" go on to 127.0.0.1.
    table.rule("output", of_family(ipv6)
                             .payload(NFT_PAYLOAD_NETWORK_HEADER, ipv6.destination, ipv6.length, 0)
                             .equals(0, std::string(15, '\0') + '\1')
                             .verdict(NF_ACCEPT));
    for (const char* chain : {"prerouting", "output"})
        table.rule(chain, Rule()
                              .fib_destination_type(0)
                              .equals(0, host_order<std::uint32_t>(RTN_LOCAL))
                              .verdict(NFT_JUMP, "published"));

    table.chain({"postrouting", "nat", NF_INET_POST_ROUTING, 100});
    table.rule("postrouting", of_family(ipv4)
                                  .payload(NFT_PAYLOAD_NETWORK_HEADER, ipv4.source, 1, 0)
                                  .equals(0, bytes({127}))
                                  .meta(NFT_META_OIFNAME, 0)
                                  .in_set("bridges", 0)
                                  .masquerade()
                                  .with_comment("127.0.0.1 to a published port"));
    // By address: with br_netfilter a packet has no interface that it came from here.
    for (const Family& family : {ipv4, ipv6})
        table.rule("postrouting", of_family(family)
                                      .ct(NFT_CT_STATUS, 0)
                                      .mask(0, host_order<std::uint32_t>(IPS_DST_NAT))
                                      .differs(0, host_order<std::uint32_t>(0))
                                      .meta(NFT_META_OIFNAME, 0)
                                      .payload(NFT_PAYLOAD_NETWORK_HEADER, family.source, family.length, 4)
                                      .in_set(set_name("neighbours", family), 0)
                                      .masquerade()
                                      .with_comment("to a neighbour's published port"));
    table.rule("postrouting", Rule()
                                  .meta(NFT_META_IIFNAME, 0)
                                  .in_set("masquerade", 0)
                                  .meta(NFT_META_OIFNAME, 0)
                                  .not_in_set("bridges", 0)
                                  .masquerade());
}

void add_filter(TableWriter& table) {
    table.chain({"guard", "filter", NF_INET_PRE_ROUTING, -300});
    table.rule("guard", Rule()
                            .meta(NFT_META_IIFNAME, 0)
                            .in_set("bridges", 0)
                            .meta(NFT_META_NFPROTO, 0)
                            .equals(0, bytes({NFPROTO_IPV4}))
                            .payload(NFT_PAYLOAD_NETWORK_HEADER, ipv4.destination, 1, 0)
                            .equals(0, bytes({127}))
                            .verdict(NF_DROP));

    table.chain({"forward", "filter", NF_INET_FORWARD, -10});
    const std::uint32_t known = NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED);
    table.rule("forward", Rule()
                              .ct(NFT_CT_STATE, 0)
                              .mask(0, host_order(known))
                              .differs(0, host_order<std::uint32_t>(0))
                              .verdict(NF_ACCEPT));
    table.rule("forward",
               Rule().meta(NFT_META_IIFNAME, 0).meta(NFT_META_OIFNAME, 4).in_set("same", 0).verdict(NF_ACCEPT));
    table.rule("forward", Rule().meta(NFT_META_IIFNAME, 0).in_set("internal", 0).verdict(NF_DROP));
    table.rule("forward", Rule().meta(NFT_META_OIFNAME, 0).in_set("internal", 0).verdict(NF_DROP));
    table.rule("forward", Rule()
                              .meta(NFT_META_OIFNAME, 0)
                              .in_set("bridges", 0)
                              .ct(NFT_CT_STATUS, 0)
                              .mask(0, host_order<std::uint32_t>(IPS_DST_NAT))
                              .differs(0, host_order<std::uint32_t>(0))
                              .verdict(NF_ACCEPT));
    table.rule("forward", Rule()
                              .meta(NFT_META_IIFNAME, 0)
                              .in_set("open", 0)
                              .meta(NFT_META_OIFNAME, 0)
                              .in_set("open", 0)
                              .verdict(NF_ACCEPT));
    table.rule("forward", Rule().meta(NFT_META_OIFNAME, 0).in_set("bridges", 0).verdict(NF_DROP));
}

Rule of_frame(std::uint16_t ether_type) {
    Rule rule;
    rule.meta(NFT_META_PROTOCOL, 0).equals(0, bytes({static_cast<unsigned>(ether_type >> 8), ether_type & 0xffu}));
    return rule;
}

/// interface . address in `set`.
Rule from_own(std::uint16_t ether_type, unsigned offset, unsigned length, std::string_view set) {
    return of_frame(ether_type)
        .meta(NFT_META_IIFNAME, 0)
        .payload(NFT_PAYLOAD_NETWORK_HEADER, offset, length, 4)
        .in_set(set, 0)
        .verdict(NF_ACCEPT);
}

void add_source_guard(TableWriter& table) {
    // behind hardware, protocol, lengths, operation and the sender's hardware address
    constexpr unsigned arp_sender = 14;
    constexpr unsigned router_advertisement = 134;
    table.set({"ports", {type_interface}});
    table.set({"sources4", {type_interface, type_ipv4}});
    table.set({"sources6", {type_interface, type_ipv6}});
    table.chain({"source", "filter", NF_BR_PRE_ROUTING, -300});
    table.rule("source", Rule().meta(NFT_META_IIFNAME, 0).not_in_set("ports", 0).verdict(NF_ACCEPT));
    table.rule("source", of_frame(ETH_P_IPV6)
                             .meta(NFT_META_L4PROTO, 0)
                             .equals(0, bytes({IPPROTO_ICMPV6}))
                             .payload(NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, 0)
                             .equals(0, bytes({router_advertisement}))
                             .verdict(NF_DROP));
    table.rule("source", from_own(ETH_P_IP, ipv4.source, 4, "sources4"));
    table.rule("source", from_own(ETH_P_ARP, arp_sender, 4, "sources4"));
    table.rule("source", from_own(ETH_P_IPV6, ipv6.source, 16, "sources6"));
    // Without an address yet: DHCP, address probes, duplicate address detection.
    table.rule("source", of_frame(ETH_P_ARP)
                             .payload(NFT_PAYLOAD_NETWORK_HEADER, arp_sender, 4, 0)
                             .equals(0, std::string(4, '\0'))
                             .verdict(NF_ACCEPT));
    table.rule("source", of_frame(ETH_P_IPV6)
                             .payload(NFT_PAYLOAD_NETWORK_HEADER, ipv6.source, 16, 0)
                             .equals(0, std::string(16, '\0'))
                             .verdict(NF_ACCEPT));
    table.rule("source", of_frame(ETH_P_IPV6)
                             .payload(NFT_PAYLOAD_NETWORK_HEADER, ipv6.source, 2, 0)
                             .equals(0, bytes({0xfe, 0x80}))
                             .verdict(NF_ACCEPT));
    for (const int type : {ETH_P_IP, ETH_P_ARP, ETH_P_IPV6})
        table.rule("source", of_frame(static_cast<std::uint16_t>(type)).verdict(NF_DROP));
}

} // namespace

void add_base_rules(NftBatch& batch, int family) {
    TableWriter table(batch, family);
    if (family == NFPROTO_BRIDGE) return add_source_guard(table);
    add_sets(table);
    add_nat(table);
    add_filter(table);
}

} // namespace kist::netns
