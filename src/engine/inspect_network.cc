// SPDX-License-Identifier: Apache-2.0
// Networks and ports of a container for inspect, ps and port: what it asked for, and while it runs what it has.
#include <algorithm>
#include <map>

#include "base/text.hh"
#include "engine/containers.hh"
#include "engine/create_parts.hh"
#include "engine/describe.hh"
#include "engine/inspect_parts.hh"
#include "engine/networks.hh"
#include "netns/address.hh"
#include "netns/ports.hh"

namespace kist::engine {

namespace {

using netns::Attachment;
using netns::PortMapping;
using storage::ContainerView;

std::string host_ip_text(const PortMapping& port, bool v6) {
    return port.host_ip.empty() ? (v6 ? "::" : "0.0.0.0") : port.host_ip;
}

struct Reach {
    bool v4 = false, v6 = false;
};

Reach reach_of(const ContainerView& view) {
    Reach reach;
    for (const Attachment& attachment : view.state.network.attachments)
        for (const std::string& address : attachment.addresses)
            (address.find(':') == std::string::npos ? reach.v4 : reach.v6) = true;
    return reach;
}

/// The families in which a mapping can be reached.
std::vector<bool> families(const PortMapping& port, const Reach& reach) {
    std::vector<bool> list;
    for (const bool v6 : {false, true}) {
        const bool given = !port.host_ip.empty(), is_v6 = port.host_ip.find(':') != std::string::npos;
        if ((v6 ? reach.v6 : reach.v4) && (!given || is_v6 == v6)) list.push_back(v6);
    }
    return list;
}

Value binding(const std::string& ip, std::uint32_t port) {
    Value value = Value::object();
    value.set("HostIp", ip);
    value.set("HostPort", port == 0 ? "" : std::to_string(port));
    return value;
}

void add_binding(std::map<std::string, Value>& ports, const std::string& key, Value value) {
    auto [found, fresh] = ports.try_emplace(key, Value::list());
    if (!found->second.is_list()) found->second = Value::list();
    found->second.push(std::move(value));
}

Value as_object(std::map<std::string, Value> ports) {
    Value object = Value::object();
    for (auto& [key, value] : ports) object.set(key, std::move(value));
    return object;
}

Value live_ports(const ContainerView& view) {
    std::map<std::string, Value> ports;
    if (view.state.pid == 0) return Value::object();
    for (const std::string& text : view.config.exposed_ports) {
        const PortMapping port = parse_exposed(text);
        for (std::uint32_t i = 0; i < port.count; ++i)
            ports.try_emplace(fmt::format("{}/{}", port.container_port + i, port.protocol), Value());
    }
    const Reach reach = reach_of(view);
    for (const PortMapping& port : view.state.network.ports)
        for (std::uint32_t i = 0; i < port.count; ++i)
            for (const bool v6 : families(port, reach))
                add_binding(ports, fmt::format("{}/{}", port.container_port + i, port.protocol),
                            binding(host_ip_text(port, v6), port.host_port + i));
    return as_object(std::move(ports));
}

void set_addresses(Value& value, const Attachment* attachment) {
    std::string ip, ip6, gateway, gateway6;
    std::int64_t prefix = 0, prefix6 = 0;
    if (attachment != nullptr) {
        for (const std::string& text : attachment->addresses) {
            const auto own = netns::InterfaceAddress::parse(text);
            if (!own) continue;
            (own->address.is_v6() ? ip6 : ip) = own->address.str();
            (own->address.is_v6() ? prefix6 : prefix) = own->prefix;
        }
        for (const netns::SubnetConfig& subnet : attachment->network.subnets) {
            std::string& to = subnet.subnet.find(':') != std::string::npos ? gateway6 : gateway;
            if (to.empty()) to = subnet.gateway;
        }
    }
    value.set("Gateway", gateway);
    value.set("IPAddress", ip);
    value.set("IPPrefixLen", prefix);
    value.set("IPv6Gateway", ip6.empty() ? "" : gateway6);
    value.set("GlobalIPv6Address", ip6);
    value.set("GlobalIPv6PrefixLen", prefix6);
    value.set("MacAddress", attachment != nullptr ? attachment->mac : "");
}

Value endpoint(Engine& engine, const storage::ContainerConfig& config, const storage::NetworkChoice& choice,
               const Attachment* attachment) {
    Value value = Value::object();
    Value ipam = Value();
    if (!choice.ip.empty() || !choice.ip6.empty()) {
        ipam = Value::object();
        if (!choice.ip.empty()) ipam.set("IPv4Address", choice.ip);
        if (!choice.ip6.empty()) ipam.set("IPv6Address", choice.ip6);
    }
    value.set("IPAMConfig", std::move(ipam));
    value.set("Links", Value());
    value.set("Aliases", choice.aliases.empty() ? Value() : list_value(choice.aliases));
    std::string id;
    try {
        id = find_network(engine, choice.name).id;
    } catch (const Error&) { // removed by force
    }
    value.set("NetworkID", id);
    value.set("EndpointID", attachment != nullptr ? config.id : "");
    set_addresses(value, attachment);
    value.set("DriverOpts", Value());
    return value;
}

} // namespace

Value port_bindings(const std::vector<PortMapping>& list) {
    std::map<std::string, Value> ports;
    for (const PortMapping& port : list)
        for (std::uint32_t i = 0; i < port.count; ++i)
            add_binding(ports, fmt::format("{}/{}", port.container_port + i, port.protocol),
                        binding(port.host_ip, port.host_port == 0 ? 0 : port.host_port + i));
    return as_object(std::move(ports));
}

Value network_settings(Engine& engine, const ContainerView& view) {
    const auto& attachments = view.state.network.attachments;
    const std::string& mode = view.config.namespaces.network;
    Value value = Value::object();
    value.set("Bridge", "");
    value.set("SandboxID", "");
    value.set("SandboxKey", view.state.pid != 0 ? fmt::format("/proc/{}/ns/net", view.state.pid) : "");
    value.set("Ports", live_ports(view));
    value.set("EndpointID", "");
    // As Docker does: the fields outside of Networks are the default network's.
    const auto is_default = [](const Attachment& attachment) {
        return attachment.network.name == default_network_name;
    };
    const auto found = std::find_if(attachments.begin(), attachments.end(), is_default);
    set_addresses(value, found != attachments.end() ? &*found : nullptr);
    Value networks = Value::object();
    if (mode == "none" || mode == "host") networks.set(mode, endpoint(engine, view.config, {.name = mode}, nullptr));
    for (const storage::NetworkChoice& choice : networks_of(view.config)) {
        const auto own = std::find_if(attachments.begin(), attachments.end(),
                                      [&](const Attachment& a) { return a.network.name == choice.name; });
        networks.set(choice.name, endpoint(engine, view.config, choice, own != attachments.end() ? &*own : nullptr));
    }
    value.set("Networks", std::move(networks));
    return value;
}

std::vector<PublishedPort> published_ports(const ContainerView& view) {
    std::vector<PublishedPort> list;
    const Reach reach = reach_of(view);
    for (const PortMapping& port : view.state.network.ports)
        for (std::uint32_t i = 0; i < port.count; ++i)
            for (const bool v6 : families(port, reach)) {
                PortMapping one = port;
                one.host_port = static_cast<std::uint16_t>(port.host_port + i);
                one.count = 1;
                list.push_back(
                    {fmt::format("{}/{}", port.container_port + i, port.protocol), netns::host_side(one, v6)});
            }
    std::stable_sort(list.begin(), list.end(), [](const PublishedPort& a, const PublishedPort& b) {
        return parse_unsigned(split_once(a.container, '/').first) < parse_unsigned(split_once(b.container, '/').first);
    });
    return list;
}

std::string ports_text(const ContainerView& view) {
    std::vector<std::string> parts;
    const Reach reach = reach_of(view);
    const auto published = [&](const PortMapping& exposed) {
        return std::any_of(
            view.state.network.ports.begin(), view.state.network.ports.end(), [&](const PortMapping& port) {
                return port.protocol == exposed.protocol && exposed.container_port >= port.container_port &&
                       exposed.container_port < port.container_port + port.count;
            });
    };
    if (view.state.pid == 0) return "";
    for (const PortMapping& port : view.state.network.ports)
        for (const bool v6 : families(port, reach)) {
            std::string target = std::to_string(port.container_port);
            if (port.count > 1) target += "-" + std::to_string(port.container_port + port.count - 1);
            parts.push_back(fmt::format("{}->{}/{}", netns::host_side(port, v6), target, port.protocol));
        }
    for (const std::string& text : view.config.exposed_ports)
        if (!published(parse_exposed(text))) parts.push_back(text);
    return join(parts, ", ");
}

std::string networks_text(const storage::ContainerConfig& config) {
    std::vector<std::string> names;
    for (const storage::NetworkChoice& choice : networks_of(config)) names.push_back(choice.name);
    return names.empty() ? config.namespaces.network : join(names, ",");
}

} // namespace kist::engine
