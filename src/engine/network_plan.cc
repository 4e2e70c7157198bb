// SPDX-License-Identifier: Apache-2.0
// What a network is to the kernel: the default one from kist.json and the host's routes, others from their records.
#include <algorithm>

#include "base/text.hh"
#include "engine/network_subnets.hh"
#include "engine/networks.hh"
#include "netns/leases.hh"
#include "netns/links.hh"

namespace kist::engine {

namespace {

using netns::Address;
using netns::InterfaceAddress;
using netns::Subnet;
using storage::NetworkConfig;

constexpr const char* settled_file = "settled"; // in the default network's run folder: "kist0 10.207.0.1/16"
// Not random: the default network is the same one for everybody, on every host.
constexpr const char* default_id = "6b697374306b697374306b697374306b697374306b697374306b697374306b69";

netns::SubnetConfig subnet_of(const InterfaceAddress& own, const std::string& range) {
    return {own.subnet().str(), own.address.str(), range};
}

/// A bridge that somebody else made: its addresses are the gateways.
std::vector<netns::SubnetConfig> subnets_of_device(const std::string& device) {
    netns::NetlinkSocket socket(NETLINK_ROUTE);
    std::vector<netns::SubnetConfig> subnets;
    if (!netns::link_index(socket, device)) return subnets;
    for (const InterfaceAddress& own : netns::link_addresses(socket, device)) subnets.push_back(subnet_of(own, ""));
    return subnets;
}

/// What the first start of this boot decided.
struct Settled {
    std::string device;
    std::optional<InterfaceAddress> address;
};

std::optional<Settled> read_settled(Engine& engine) {
    const auto networks = engine.store().run().open_dir_if_exists("networks");
    const auto own = networks ? networks->open_dir_if_exists(default_network_name) : std::nullopt;
    const auto text = own ? read_file_if_exists(*own, settled_file, 256) : std::nullopt;
    if (!text) return std::nullopt;
    const auto [device, address] = split_once(trim(*text), ' ');
    return Settled{device, InterfaceAddress::parse(address.value_or(""))};
}

std::vector<netns::SubnetConfig> default_subnets(Engine& engine, const std::optional<Settled>& settled) {
    const HostConfig& host = engine.config();
    if (!host.bridge.empty()) return subnets_of_device(host.bridge);
    if (const auto bip = InterfaceAddress::parse(host.bip)) return {subnet_of(*bip, host.fixed_cidr)};
    if (settled && settled->address) return {subnet_of(*settled->address, host.fixed_cidr)};
    return {};
}

/// kist0, or the next one if another instance of kist (with roots of its own) has that.
std::string choose_device(Engine& engine) {
    netns::NetlinkSocket socket(NETLINK_ROUTE);
    const std::string own = netns::bridge_alias(engine.store().paths().run_root);
    for (int n = 0;; ++n) {
        std::string name = "kist" + std::to_string(n);
        const auto alias = netns::link_alias(socket, name);
        if (!alias || *alias == own) return name;
    }
}

/// The value of the first option that is there: Docker's and Podman's spellings.
std::string option_of(const NetworkConfig& config, std::initializer_list<const char*> names) {
    for (const char* name : names)
        if (const auto found = config.options.find(name); found != config.options.end()) return found->second;
    return "";
}

} // namespace

NetworkConfig default_network(Engine& engine) {
    const HostConfig& host = engine.config();
    NetworkConfig config;
    config.id = default_id;
    config.name = default_network_name;
    const auto settled = read_settled(engine);
    config.device = !host.bridge.empty() ? host.bridge : settled ? settled->device : "kist0";
    config.dns_enabled = false;
    config.subnets = default_subnets(engine, settled);
    config.options["com.docker.network.bridge.default_bridge"] = "true";
    config.options["com.docker.network.bridge.name"] = config.device;
    config.options["com.docker.network.bridge.enable_icc"] = host.icc ? "true" : "false";
    config.options["com.docker.network.bridge.enable_ip_masquerade"] = host.ip_masq ? "true" : "false";
    if (host.mtu != 0) config.options["com.docker.network.driver.mtu"] = std::to_string(host.mtu);
    return config;
}

void settle_default_network(Engine& engine) {
    const HostConfig& host = engine.config();
    const auto is_settled = [&](const std::optional<Settled>& settled) {
        return settled && (settled->address || !host.bip.empty());
    };
    if (!host.bridge.empty() || is_settled(read_settled(engine))) return;
    const FileLock lock = engine.networks().lock(LockMode::exclusive);
    if (is_settled(read_settled(engine))) return; // another start was faster
    std::string text = choose_device(engine);
    if (host.bip.empty()) {
        const Subnet subnet = choose_subnet(engine, false);
        text += " " + InterfaceAddress{subnet.base().plus(1), subnet.prefix()}.str();
    }
    write_atomically(netns::network_run_dir(engine.store().run(), default_network_name), settled_file, text,
                     Durability::volatile_);
}

void forget_default_network(Engine& engine) {
    netns::network_run_dir(engine.store().run(), default_network_name).remove_file(settled_file);
}

NetworkConfig find_network(Engine& engine, const std::string& reference) {
    if (reference == default_network_name || reference == "default") return default_network(engine);
    if (reference.size() >= 3 && std::string_view(default_id).starts_with(reference)) return default_network(engine);
    return engine.networks().find(reference);
}

std::vector<NetworkConfig> all_networks(Engine& engine) {
    std::vector<NetworkConfig> list{default_network(engine)};
    for (NetworkConfig& config : engine.networks().all()) list.push_back(std::move(config));
    return list;
}

std::vector<storage::NetworkChoice> networks_of(const storage::ContainerConfig& config) {
    if (config.namespaces.network != "bridge") return {};
    if (!config.networks.empty()) return config.networks;
    return {{.name = default_network_name}};
}

netns::NetworkPlan network_plan(Engine& engine, const NetworkConfig& config) {
    netns::NetworkPlan plan;
    plan.name = config.name;
    plan.driver = config.driver;
    plan.mode = option_of(config, {"mode", "macvlan_mode", "ipvlan_mode"});
    plan.device = config.device;
    plan.owner = engine.store().paths().run_root;
    plan.foreign_device = config.name == default_network_name && !engine.config().bridge.empty();
    plan.subnets = config.subnets;
    plan.routes = config.routes;
    plan.mtu = static_cast<std::uint32_t>(
        parse_unsigned(option_of(config, {"mtu", "com.docker.network.driver.mtu"}), 65535).value_or(0));
    plan.vlan = static_cast<std::uint16_t>(parse_unsigned(option_of(config, {"vlan"}), 4094).value_or(0));
    plan.internal = config.internal;
    plan.names = config.dns_enabled && config.driver == "bridge";
    plan.talk = option_of(config, {"com.docker.network.bridge.enable_icc"}) != "false";
    plan.open = option_of(config, {"isolate"}) == "false";
    plan.masquerade = option_of(config, {"com.docker.network.bridge.enable_ip_masquerade"}) != "false";
    return plan;
}

} // namespace kist::engine
