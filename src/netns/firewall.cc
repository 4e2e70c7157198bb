// SPDX-License-Identifier: Apache-2.0
#include "netns/firewall.hh"

#include <algorithm>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "netns/address.hh"
#include "netns/firewall_rules.hh"

namespace kist::netns {

namespace {

constexpr int table_families[] = {NFPROTO_INET, NFPROTO_BRIDGE};

/// Beginning of the names of the maps whose keys are intervals of ports.
constexpr std::string_view port_ranges = "ranges";

void put(std::vector<SetElements>& list, int family, const std::string& set, Element element) {
    const auto same = [&](const SetElements& other) { return other.family == family && other.set == set; };
    auto found = std::find_if(list.begin(), list.end(), same);
    if (found == list.end()) found = list.insert(list.end(), {family, set, {}});
    found->elements.push_back(std::move(element));
}

std::uint8_t protocol_number(const std::string& name) {
    return name == "udp" ? IPPROTO_UDP : name == "sctp" ? IPPROTO_SCTP : IPPROTO_TCP;
}

/// The container's address of this family on the first network where ports can lead to.
std::optional<Address> target_address(const ContainerPlan& plan, bool v6) {
    for (const Attachment& attachment : plan.attachments) {
        if (attachment.network.driver != "bridge") continue;
        for (const std::string& text : attachment.addresses)
            if (const auto own = InterfaceAddress::parse(text); own && own->address.is_v6() == v6) return own->address;
    }
    return std::nullopt;
}

void put_range(std::vector<SetElements>& list, const PortMapping& port, const Address& target,
               const std::optional<Address>& host, const std::string& owner) {
    const std::string protocol = key_part_u8(protocol_number(port.protocol));
    const std::size_t length = target.bytes().size();
    const std::string low = host ? std::string(host->bytes()) : std::string(length, '\0');
    const std::string high = host ? low : std::string(length, '\xff');
    const auto last = static_cast<std::uint16_t>(port.host_port + port.count - 1);
    put(list, NFPROTO_INET, std::string(port_ranges) + (target.is_v6() ? "6" : "4"),
        {low + protocol + key_part_u16(port.host_port), high + protocol + key_part_u16(last),
         std::string(target.bytes()), owner});
}

void put_port(std::vector<SetElements>& list, const PortMapping& port, const Address& target,
              const std::optional<Address>& host, const std::string& owner) {
    if (port.count > 1 && port.host_port == port.container_port) return put_range(list, port, target, host, owner);
    std::string set = host ? "published_on" : "published";
    set += target.is_v6() ? "6" : "4";
    for (std::uint16_t i = 0; i < port.count; ++i) {
        Element element;
        if (host) element.key = host->bytes();
        element.key +=
            key_part_u8(protocol_number(port.protocol)) + key_part_u16(static_cast<std::uint16_t>(port.host_port + i));
        element.data = std::string(target.bytes()) + key_part_u16(static_cast<std::uint16_t>(port.container_port + i));
        element.owner = owner;
        put(list, NFPROTO_INET, set, std::move(element));
    }
}

void put_sources(std::vector<SetElements>& list, const Attachment& attachment, const std::string& owner) {
    const std::string interface = key_interface(attachment.host_interface);
    put(list, NFPROTO_BRIDGE, "ports", {interface, {}, {}, owner});
    for (const std::string& text : attachment.addresses) {
        const auto own = InterfaceAddress::parse(text);
        if (own)
            put(list, NFPROTO_BRIDGE, own->address.is_v6() ? "sources6" : "sources4",
                {interface + std::string(own->address.bytes()), {}, {}, owner});
    }
}

void fill(NftBatch& batch, const std::vector<SetElements>& list) {
    for (const SetElements& part : list) batch.add_elements(part.family, firewall_table, part.set, part.elements);
}

std::vector<SetElements> all_elements(const ContainerPlan& plan, const std::string& owner) {
    std::vector<SetElements> all;
    for (const Attachment& attachment : plan.attachments)
        for (SetElements& part : network_elements(attachment.network)) all.push_back(std::move(part));
    for (SetElements& part : container_elements(plan, owner)) all.push_back(std::move(part));
    return all;
}

bool failed_with(const std::vector<NetlinkFailure>& failures, int code) {
    return std::any_of(failures.begin(), failures.end(),
                       [&](const NetlinkFailure& failure) { return failure.code == code; });
}

[[noreturn]] void give_up(const NetlinkFailure& failure) {
    SysError error(SysError::Code{failure.code}, "{}", failure.what);
    if (failure.code == EOPNOTSUPP || failure.code == ENOENT || failure.code == EPROTONOSUPPORT)
        error.with_hint(
            "bridge networks need a kernel with nftables (nf_tables, nft_nat, nft_masq, nft_fib_inet); --network host "
            "needs none");
    throw error;
}

/// The same key in `set`. In the sets of port ranges also one that overlaps: the kernel takes no second one. Each part of
/// their keys (address, protocol, port) has its own interval.
bool same_key(std::string_view set, const Element& one, const Element& other) {
    if (!set.starts_with(port_ranges)) return one.key == other.key && one.key_end == other.key_end;
    const std::size_t address = one.key.size() - 8; // protocol and port take 4 bytes each
    const auto meet = [&](std::size_t at, std::size_t length) {
        return one.key.compare(at, length, other.key_end, at, length) <= 0 &&
               other.key.compare(at, length, one.key_end, at, length) <= 0;
    };
    return meet(0, address) && meet(address, 4) && meet(address + 4, 4);
}

void remove_table(NetlinkSocket& socket, int family) {
    NftBatch batch;
    batch.delete_table(family, firewall_table);
    const auto failures = batch.commit(socket);
    if (!failures.empty() && failures.front().code != ENOENT) give_up(failures.front());
}

/// Those of `wanted` that stand in the set now, whoever put them there.
std::vector<Element> present(NetlinkSocket& socket, const SetElements& wanted) {
    std::vector<Element> found;
    for (const Element& there : list_elements(socket, wanted.family, firewall_table, wanted.set))
        for (const Element& element : wanted.elements)
            if (same_key(wanted.set, there, element)) found.push_back(there);
    return found;
}

/// Adds after removing what others left under the same keys.
std::vector<NetlinkFailure> replace(NetlinkSocket& socket, const std::vector<SetElements>& list) {
    NftBatch batch;
    for (const SetElements& part : list)
        if (const auto stale = present(socket, part); !stale.empty())
            batch.delete_elements(part.family, firewall_table, part.set, stale);
    fill(batch, list);
    return batch.commit(socket);
}

/// With the tables that are missing. One that is there without its sets is made anew.
std::vector<NetlinkFailure> add_with_tables(NetlinkSocket& socket, const std::vector<SetElements>& list) {
    NftBatch batch;
    bool complete = true;
    for (const int family : table_families) {
        if (has_table(socket, family, firewall_table)) continue;
        complete = false;
        add_base_rules(batch, family);
    }
    if (complete)
        for (const int family : table_families) {
            batch.delete_table(family, firewall_table);
            add_base_rules(batch, family);
        }
    fill(batch, list);
    return batch.commit(socket);
}

void add_or_replace(NetlinkSocket& socket, const std::vector<SetElements>& list) {
    // Again and again: others make and remove the same tables, and one of them loses.
    for (int attempt = 0;; ++attempt) {
        NftBatch batch;
        fill(batch, list);
        auto failures = batch.commit(socket);
        if (failures.empty()) return;
        const bool last = attempt == 4;
        if (failed_with(failures, ENOENT) && !last) {
            failures = add_with_tables(socket, list);
            if (failures.empty()) return;
            if (failed_with(failures, EEXIST) || failed_with(failures, ENOENT)) continue;
            give_up(failures.front());
        }
        failures = replace(socket, list);
        if (failures.empty()) return;
        if (last) give_up(failures.front());
    }
}

} // namespace

std::vector<SetElements> network_elements(const NetworkPlan& network) {
    std::vector<SetElements> list;
    if (network.driver != "bridge") return list;
    const std::string device = key_interface(network.device);
    put(list, NFPROTO_INET, "bridges", {device});
    if (network.talk) put(list, NFPROTO_INET, "same", {device + device});
    for (const SubnetConfig& config : network.subnets)
        if (const auto subnet = Subnet::parse(config.subnet))
            put(list, NFPROTO_INET, subnet->base().is_v6() ? "neighbours6" : "neighbours4",
                {device + std::string(subnet->base().bytes()), device + std::string(subnet->last().bytes())});
    if (network.internal) put(list, NFPROTO_INET, "internal", {device});
    if (network.open) put(list, NFPROTO_INET, "open", {device});
    if (network.masquerade && !network.internal) put(list, NFPROTO_INET, "masquerade", {device});
    return list;
}

std::vector<SetElements> container_elements(const ContainerPlan& plan, const std::string& owner) {
    std::vector<SetElements> list;
    for (const Attachment& attachment : plan.attachments) {
        if (attachment.network.driver != "bridge") continue;
        // No rule looks at these. The name is new at each start, so to remove it with the rest makes sure that the rest is
        // this container's: else the transaction fails, and a port that another one has meanwhile stays.
        put(list, NFPROTO_INET, "links", {key_interface(attachment.host_interface), {}, {}, owner});
        if (attachment.guarded) put_sources(list, attachment, owner);
    }
    for (const PortMapping& port : plan.ports) {
        std::optional<Address> host = Address::parse(port.host_ip);
        const bool any = host && host->is_any();
        for (const bool v6 : {false, true}) {
            if (host && host->is_v6() != v6) continue;
            const auto target = target_address(plan, v6);
            if (target) put_port(list, port, *target, any ? std::nullopt : host, owner);
        }
    }
    return list;
}

void open_firewall(NetlinkSocket& socket, const ContainerPlan& plan, const std::string& owner) {
    add_or_replace(socket, all_elements(plan, owner));
}

void mend_firewall(NetlinkSocket& socket, const ContainerPlan& plan, const std::string& owner) {
    NftBatch base;
    for (const int family : table_families) {
        add_base_rules(base, family);
        const TableSize there = size_of_table(socket, family, firewall_table);
        if (there == TableSize{} || there == base.size(family)) continue;
        remove_table(socket, family);
    }
    open_firewall(socket, plan, owner);
}

void close_firewall(NetlinkSocket& socket, const ContainerPlan& plan, const std::string& owner) {
    const auto list = container_elements(plan, owner);
    NftBatch batch;
    for (const SetElements& part : list) batch.delete_elements(part.family, firewall_table, part.set, part.elements);
    if (batch.commit(socket).empty()) return;
    // Some of them are gone (a flush): those that are there and ours.
    NftBatch rest;
    for (const SetElements& part : list) {
        std::vector<Element> own;
        for (const Element& element : present(socket, part))
            if (element.owner == owner) own.push_back(element);
        if (!own.empty()) rest.delete_elements(part.family, firewall_table, part.set, own);
    }
    (void)rest.commit(socket); // raced with a flush: gone as well
}

void forget_network(NetlinkSocket& socket, const NetworkPlan& network) {
    NftBatch batch;
    for (const SetElements& part : network_elements(network))
        if (const auto there = present(socket, part); !there.empty())
            batch.delete_elements(part.family, firewall_table, part.set, there);
    (void)batch.commit(socket);
}

bool serves_networks(NetlinkSocket& socket) {
    return !list_elements(socket, NFPROTO_INET, firewall_table, "bridges").empty();
}

void remove_firewall(NetlinkSocket& socket) {
    for (const int family : table_families) remove_table(socket, family);
}

} // namespace kist::netns
