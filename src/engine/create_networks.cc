// SPDX-License-Identifier: Apache-2.0
// --network and what goes with it: which networks, with which addresses and names. Namespaces of others (none, host,
// container:, ns:) are create_namespaces.cc's.
#include <algorithm>

#include <net/if.h>

#include "base/text.hh"
#include "engine/create_parts.hh"
#include "netns/address.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;
using storage::NetworkChoice;

void check_ip(std::string_view option, const std::string& text, bool v6) {
    const auto address = netns::Address::parse(text);
    if (!text.empty() && (!address || address->is_v6() != v6))
        throw UsageError("{}: '{}' is not an IPv{} address", option, printable(text), v6 ? 6 : 4);
}

void check_mac(std::string_view option, std::string& text) {
    if (text.empty()) return;
    const auto mac = netns::parse_mac(text);
    if (!mac)
        throw UsageError("{}: '{}' is not a hardware address of one station, as 02:42:0a:00:00:05", option,
                         printable(text));
    text = netns::mac_text(*mac);
}

void check_alias(const std::string& alias) {
    if (!is_valid_name(alias)) throw UsageError("invalid network alias '{}'", printable(alias));
}

void check_interface(const std::string& name) {
    const bool plain = !name.empty() && name.size() < IFNAMSIZ && name.find_first_of("/ \t\n:") == name.npos &&
                       name != "." && name != ".." && name != "lo";
    if (!plain) throw UsageError("invalid interface name '{}'", printable(name));
}

/// NAME[:ip=ADDRESS,ip6=ADDRESS,mac=ADDRESS,alias=NAME,interface_name=NAME]
NetworkChoice parse_choice(const CreateInput& in, const std::string& text) {
    auto [name, options] = split_once(text, ':');
    NetworkChoice choice;
    try {
        choice.name = in.find_network(name).name;
    } catch (NotFound& error) {
        error.with_hint("make it with 'kist network create " + printable(name) + "'");
        throw;
    }
    for (const std::string& option : split(options.value_or(""), ',')) {
        auto [key, value] = split_once(option, '=');
        if (!value || value->empty())
            throw UsageError("--network {}: '{}' is not OPTION=VALUE", choice.name, printable(option));
        if (key == "ip" && value->find(':') == value->npos) choice.ip = *value;
        else if (key == "ip" || key == "ip6") choice.ip6 = *value;
        else if (key == "mac") choice.mac = *value;
        else if (key == "interface_name") choice.interface = *value;
        else if (key == "alias") choice.aliases.push_back(*value);
        else
            throw UsageError("--network {}: unknown option '{}': it is ip, ip6, mac, alias or interface_name",
                             choice.name, printable(key));
    }
    return choice;
}

void check_choice(NetworkChoice& choice) {
    const std::string option = "--network " + choice.name;
    check_ip(option, choice.ip, false);
    check_ip(option, choice.ip6, true);
    check_mac(option, choice.mac);
    for (const std::string& alias : choice.aliases) check_alias(alias);
    if (!choice.interface.empty()) check_interface(choice.interface);
}

/// An address must lie in a subnet of the network, and not be the gateway's.
void check_address(const storage::NetworkConfig& network, const std::string& text) {
    const auto address = netns::Address::parse(text);
    if (!address) return;
    for (const netns::SubnetConfig& subnet : network.subnets) {
        const auto range = netns::Subnet::parse(subnet.subnet);
        if (!range || !range->contains(*address)) continue;
        if (netns::Address::parse(subnet.gateway) == address)
            throw UsageError("address {} is the gateway of network '{}'", text, network.name);
        return;
    }
    std::vector<std::string> subnets;
    for (const netns::SubnetConfig& subnet : network.subnets) subnets.push_back(subnet.subnet);
    throw UsageError("address {} is in no subnet of network '{}' ({})", text, network.name,
                     subnets.empty() ? "it has none" : join(subnets, ", "));
}

void apply_links(const CreateInput& in, ContainerConfig& config) {
    const auto links = parse_links(in.options.links, in.find_container);
    for (NetworkChoice& choice : config.networks) choice.links = links;
}

void apply_single(const CreateOptions& options, ContainerConfig& config) {
    const bool given = !options.ip.empty() || !options.ip6.empty() || !options.mac_address.empty();
    if (given && config.networks.size() != 1)
        throw UsageError("--ip, --ip6 and --mac-address are for one network: write --network NAME:ip=…,mac=…");
    if (given) {
        NetworkChoice& choice = config.networks.front();
        if (!options.ip.empty()) choice.ip = options.ip;
        if (!options.ip6.empty()) choice.ip6 = options.ip6;
        if (!options.mac_address.empty()) choice.mac = options.mac_address;
    }
    for (NetworkChoice& choice : config.networks)
        choice.aliases.insert(choice.aliases.end(), options.network_aliases.begin(), options.network_aliases.end());
}

void refuse_without_network(const CreateOptions& options, const std::string& mode) {
    for (const auto& [given, option] : {std::pair{!options.ip.empty(), "--ip"},
                                        {!options.ip6.empty(), "--ip6"},
                                        {!options.mac_address.empty(), "--mac-address"},
                                        {!options.network_aliases.empty(), "--network-alias"},
                                        {!options.links.empty(), "--link"}})
        if (given) throw UsageError("conflicting options: {} and --network {}", option, mode.substr(0, mode.find(':')));
}

} // namespace

std::map<std::string, std::string> parse_links(const std::vector<std::string>& texts,
                                               const std::function<storage::ContainerView(const std::string&)>& find) {
    std::map<std::string, std::string> links;
    for (const std::string& text : texts) {
        const auto [name, given] = split_once(text, ':');
        const storage::ContainerView other = find(name);
        const std::string alias = given.value_or(other.config.name);
        check_alias(alias);
        links[alias] = other.config.id;
    }
    return links;
}

void check_network_choice(NetworkChoice& choice, const storage::NetworkConfig& network) {
    check_choice(choice);
    if (choice.name == "bridge" && !choice.aliases.empty())
        throw UsageError("network-scoped aliases are for networks that you made, not for the default one");
    if (choice.name == "bridge" && network.subnets.empty()) return; // its subnet is chosen at the first start
    check_address(network, choice.ip);
    check_address(network, choice.ip6);
}

void interpret_networks(const CreateInput& in, ContainerConfig& config) {
    const std::string& mode = config.namespaces.network;
    if (mode != "bridge") return refuse_without_network(in.options, mode);
    for (const std::string& text : in.options.networks)
        if (text != "private" && !text.empty()) config.networks.push_back(parse_choice(in, text));
    if (config.networks.empty()) config.networks.push_back({.name = "bridge"});
    apply_single(in.options, config);
    apply_links(in, config);
    for (std::size_t i = 0; i < config.networks.size(); ++i) {
        NetworkChoice& choice = config.networks[i];
        for (std::size_t other = 0; other < i; ++other)
            if (config.networks[other].name == choice.name)
                throw UsageError("--network {} is given twice", choice.name);
        check_network_choice(choice, in.find_network(choice.name));
    }
    // The usual case is not written down.
    if (config.networks == std::vector<NetworkChoice>{{.name = "bridge"}}) config.networks.clear();
}

} // namespace kist::engine
