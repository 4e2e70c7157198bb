// SPDX-License-Identifier: Apache-2.0
// network create: every mistake is found before anything is written; the bridge itself is made by the first container.
#include <algorithm>

#include <net/if.h>

#include "base/ids.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "engine/network_subnets.hh"
#include "engine/networks.hh"
#include "netns/links.hh"
#include "storage/event_log.hh"

namespace kist::engine {

namespace {

using netns::Address;
using netns::Subnet;
using storage::NetworkConfig;

void check_name(const std::string& name) {
    if (!is_valid_name(name))
        throw UsageError("invalid network name '{}': letters, digits, '_', '.' and '-' after a letter or digit",
                         printable(name));
    static const std::vector<std::string> reserved = {default_network_name, "default", "none",        "host", "private",
                                                      "container",          "ns",      "slirp4netns", "pasta"};
    if (std::find(reserved.begin(), reserved.end(), name) != reserved.end())
        throw Error("network name {} is reserved: it has a meaning of its own in --network", name)
            .with_exit_code(ExitCode::failure);
}

std::string check_driver(const NetworkOptions& options) {
    const std::string& driver = options.driver;
    if (driver == "bridge" || driver == "macvlan" || driver == "ipvlan") return driver;
    if (driver == "overlay")
        throw UsageError("network driver overlay is for clusters of hosts: kist has bridge, macvlan and ipvlan");
    throw UsageError("unknown network driver '{}': it is bridge, macvlan or ipvlan", printable(driver));
}

std::string check_ipam(const NetworkOptions& options) {
    const std::string& driver = options.ipam_driver;
    if (driver == "default" || driver == "host-local") return "host-local";
    if (driver == "none") {
        if (!options.subnets.empty()) throw UsageError("--subnet and --ipam-driver none exclude each other");
        return "none";
    }
    if (driver == "dhcp") throw UsageError("--ipam-driver dhcp is not there yet: use host-local or none");
    throw UsageError("unknown IPAM driver '{}': it is host-local or none", printable(driver));
}

void check_switch(const std::string& key, const std::string& value) {
    if (value != "true" && value != "false")
        throw UsageError("option {}: '{}' is not true or false", key, printable(value));
}

void check_option(const std::string& driver, const std::string& key, const std::string& value) {
    static const std::vector<std::string> switches = {"com.docker.network.bridge.enable_icc",
                                                      "com.docker.network.bridge.enable_ip_masquerade"};
    static const std::vector<std::string> known = {"mtu",
                                                   "com.docker.network.driver.mtu",
                                                   "com.docker.network.bridge.name",
                                                   "isolate",
                                                   "parent",
                                                   "mode",
                                                   "macvlan_mode",
                                                   "ipvlan_mode",
                                                   "vlan",
                                                   switches[0],
                                                   switches[1]};
    if (std::find(known.begin(), known.end(), key) == known.end()) {
        UsageError error("unknown option '{}' of network driver {}", printable(key), driver);
        if (const auto near = nearest(key, known); !near.empty())
            error.with_hint("did you mean " + quoted_choice(near) + "?");
        throw error;
    }
    if (std::find(switches.begin(), switches.end(), key) != switches.end()) check_switch(key, value);
    if (key == "isolate" && value != "strict") check_switch(key, value);
    if (key == "mtu" || key == "com.docker.network.driver.mtu") {
        const auto mtu = parse_unsigned(value, 65535);
        if (!mtu || *mtu < 68) throw UsageError("option {}: '{}' is not 68 to 65535", key, printable(value));
    }
    if (key == "vlan") {
        if (driver != "bridge")
            throw UsageError("option vlan is for bridges: give macvlan an interface of that VLAN as parent");
        if (const auto vlan = parse_unsigned(value, 4094); !vlan || *vlan == 0)
            throw UsageError("option vlan: '{}' is not 1 to 4094", printable(value));
    }
    if (key == "mode" || key == "macvlan_mode" || key == "ipvlan_mode") {
        const std::vector<std::string> modes = driver == "ipvlan"
                                                   ? std::vector<std::string>{"l2", "l3", "l3s"}
                                                   : std::vector<std::string>{"bridge", "private", "vepa", "passthru"};
        if (driver == "bridge") throw UsageError("option {} is for macvlan and ipvlan", key);
        if (std::find(modes.begin(), modes.end(), value) == modes.end())
            throw UsageError("option {}: '{}' is not {}", key, printable(value), quoted_choice(modes));
    }
}

void take_options(const NetworkOptions& options, NetworkConfig& config) {
    for (const std::string& text : options.options) {
        const auto [key, value] = split_once(text, '=');
        if (!value) throw UsageError("invalid network option '{}': it is KEY=VALUE", printable(text));
        check_option(config.driver, key, *value);
        config.options[key] = *value;
    }
    for (const std::string& text : options.labels) {
        const auto [key, value] = split_once(text, '=');
        if (key.empty()) throw UsageError("invalid label '{}'", printable(text));
        config.labels[key] = value.value_or("");
    }
}

/// The gateway, range and auxiliary values belong to the subnet that they lie in.
template <typename Parsed>
void give_to_subnet(std::vector<netns::SubnetConfig>& subnets, std::string_view option, const Address& address,
                    const Parsed& parsed, std::string netns::SubnetConfig::*member) {
    for (netns::SubnetConfig& subnet : subnets) {
        const auto range = Subnet::parse(subnet.subnet);
        if (!range || !range->contains(address)) continue;
        if (!(subnet.*member).empty()) throw UsageError("{}: subnet {} has one already", option, subnet.subnet);
        subnet.*member = parsed.str();
        return;
    }
    throw UsageError("{}: {} is in no subnet of the network", option, parsed.str());
}

void take_subnets(Engine& engine, const NetworkOptions& options, NetworkConfig& config) {
    for (const std::string& text : options.subnets) {
        const auto subnet = Subnet::parse(text);
        if (!subnet) throw UsageError("invalid subnet '{}': it is ADDRESS/PREFIX", printable(text));
        if (subnet->prefix() == 0 || subnet->prefix() > subnet->base().bits() - 1)
            throw UsageError("subnet {} has no room for containers", subnet->str());
        for (const netns::SubnetConfig& other : config.subnets)
            if (Subnet::parse(other.subnet)->overlaps(*subnet))
                throw UsageError("subnets {} and {} overlap", other.subnet, subnet->str());
        config.subnets.push_back({subnet->str(), {}, {}});
        config.ipv6 = config.ipv6 || subnet->base().is_v6();
    }
    const auto has = [&](bool v6) {
        return std::any_of(config.subnets.begin(), config.subnets.end(),
                           [&](const auto& s) { return (s.subnet.find(':') != std::string::npos) == v6; });
    };
    config.ipv6 = config.ipv6 || options.ipv6;
    if (config.subnets.empty()) config.subnets.push_back({choose_subnet(engine, true).str(), {}, {}});
    if (options.ipv6 && !has(true)) config.subnets.push_back({choose_subnet(engine, true, true).str(), {}, {}});
    for (const std::string& text : options.gateways) {
        const auto address = Address::parse(text);
        if (!address) throw UsageError("invalid gateway '{}'", printable(text));
        give_to_subnet(config.subnets, "--gateway", *address, *address, &netns::SubnetConfig::gateway);
    }
    for (const std::string& text : options.ranges) {
        const auto range = Subnet::parse(text);
        if (!range) throw UsageError("invalid --ip-range '{}': it is ADDRESS/PREFIX", printable(text));
        give_to_subnet(config.subnets, "--ip-range", range->base(), *range, &netns::SubnetConfig::range);
    }
    // An internal macvlan has nobody to ask; a bridge's address is the gateway, though an internal one is no way out.
    for (netns::SubnetConfig& subnet : config.subnets)
        if (subnet.gateway.empty() && !(config.driver != "bridge" && config.internal))
            subnet.gateway = Subnet::parse(subnet.subnet)->base().plus(1).str();
    if (config.driver == "bridge")
        for (const netns::SubnetConfig& subnet : config.subnets) check_subnet(engine, *Subnet::parse(subnet.subnet));
}

void take_routes(const NetworkOptions& options, NetworkConfig& config) {
    for (const std::string& text : options.routes) {
        const auto parts = split(text, ',');
        const auto destination = Subnet::parse(parts.empty() ? "" : parts[0]);
        const auto gateway = Address::parse(parts.size() > 1 ? parts[1] : "");
        const auto metric = parts.size() > 2 ? parse_unsigned(parts[2], UINT32_MAX) : std::optional<std::uint64_t>(0);
        if (!destination || !gateway || !metric || parts.size() > 3 || destination->base().is_v6() != gateway->is_v6())
            throw UsageError("invalid route '{}': it is DESTINATION/PREFIX,GATEWAY[,METRIC]", printable(text));
        config.routes.push_back({destination->str(), gateway->str(), static_cast<std::uint32_t>(*metric)});
    }
    for (const std::string& server : options.dns) {
        if (!Address::parse(server)) throw UsageError("--dns: '{}' is not an IP address", printable(server));
        config.dns_servers.push_back(server);
    }
}

void choose_device(Engine& engine, const NetworkOptions& options, NetworkConfig& config) {
    /// Docker's option and Podman's for the same thing.
    const auto one_of = [&](const char* name) {
        const auto found = config.options.find(name);
        if (found == config.options.end() || found->second.empty()) return options.interface_name;
        if (!options.interface_name.empty() && options.interface_name != found->second)
            throw UsageError("conflicting options: --interface-name and --opt {}", name);
        return found->second;
    };
    netns::NetlinkSocket socket(NETLINK_ROUTE);
    if (config.driver != "bridge") {
        config.device = one_of("parent");
        if (config.device.empty()) config.device = netns::default_interface(socket);
        if (config.device.empty())
            throw UsageError("network driver {} needs --opt parent=INTERFACE: the host has no default route",
                             config.driver);
        if (!netns::link_index(socket, config.device))
            throw Error("the parent interface '{}' does not exist", printable(config.device));
        return;
    }
    config.device = one_of("com.docker.network.bridge.name");
    if (config.device.empty()) {
        config.device = "kist-" + config.id.substr(0, 8);
        return;
    }
    if (config.device.size() >= IFNAMSIZ || config.device.find_first_of("/ \t\n:") != std::string::npos)
        throw UsageError("invalid interface name '{}'", printable(config.device));
    for (const NetworkConfig& other : all_networks(engine))
        if (other.device == config.device)
            throw Error("bridge name {} is already in use by network '{}'", config.device, other.name);
    if (netns::link_index(socket, config.device))
        throw Error("an interface '{}' exists already and is not kist's", config.device);
}

} // namespace

std::string create_network(Engine& engine, const NetworkOptions& options) {
    NetworkConfig config;
    config.id = ContainerId::random().str();
    config.name = options.name.empty() ? "net-" + random_hex(6) : options.name;
    check_name(config.name);
    config.created = Moment::now().ns;
    config.driver = check_driver(options);
    config.ipam_driver = check_ipam(options);
    config.internal = options.internal;
    config.dns_enabled = !options.disable_dns && config.driver == "bridge";
    take_options(options, config);
    const FileLock lock = engine.networks().lock(LockMode::exclusive);
    if (engine.networks().read(config.name)) {
        if (options.ignore) return config.name;
        throw Error("network with name {} already exists", config.name).with_exit_code(ExitCode::failure);
    }
    if (config.ipam_driver != "none") take_subnets(engine, options, config);
    take_routes(options, config);
    choose_device(engine, options, config);
    engine.networks().create(config);
    storage::append_event(engine.store().data(),
                          {"network", "create", config.id, {{"name", config.name}, {"type", config.driver}}});
    return config.name;
}

} // namespace kist::engine
