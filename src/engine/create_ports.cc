// SPDX-License-Identifier: Apache-2.0
// -p, -P and --expose.
#include <algorithm>

#include "base/text.hh"
#include "engine/create_parts.hh"
#include "netns/address.hh"

namespace kist::engine {

namespace {

using netns::PortMapping;
using storage::ContainerConfig;

struct PortRange {
    std::uint16_t from = 0, count = 1;
};

[[noreturn]] void bad_port(const std::string& text, std::string_view why) {
    throw UsageError("invalid port '{}': {}", printable(text), why);
}

/// "80", "80-90"
PortRange parse_range(const std::string& whole, const std::string& text) {
    const auto [low, high] = split_once(text, '-');
    const auto from = parse_unsigned(low, 65535), to = high ? parse_unsigned(*high, 65535) : from;
    if (!from || !to || *from == 0 || *to == 0) bad_port(whole, "ports are numbers from 1 to 65535");
    if (*from > *to) bad_port(whole, "the range ends before it begins");
    return {static_cast<std::uint16_t>(*from), static_cast<std::uint16_t>(*to - *from + 1)};
}

std::string parse_protocol(const std::string& whole, const std::optional<std::string>& text) {
    const std::string protocol = to_lower(text.value_or("tcp"));
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp")
        bad_port(whole, "the protocol is tcp, udp or sctp");
    return protocol;
}

/// Splits "IP:HOST:CONTAINER" from the right; an IPv6 address stands in brackets.
std::vector<std::string> split_mapping(const std::string& whole, std::string text) {
    std::string ip;
    if (text.starts_with('[')) {
        const auto end = text.find("]:");
        if (end == text.npos) bad_port(whole, "after an address in brackets comes a colon");
        ip = text.substr(1, end - 1);
        text = text.substr(end + 2);
    }
    std::vector<std::string> parts = split(text, ':');
    if (parts.size() == 3 && ip.empty()) {
        ip = parts[0];
        parts.erase(parts.begin());
        if (ip.empty()) bad_port(whole, "the address is empty");
    } else if (!ip.empty() && parts.size() == 1) {
        parts.insert(parts.begin(), "");
    }
    if (parts.empty() || parts.size() > 2)
        bad_port(whole, "it is [IP:][HOST:]CONTAINER[/PROTOCOL]; IPv6 addresses stand in brackets");
    if (parts.size() == 1) parts.insert(parts.begin(), "");
    parts.insert(parts.begin(), ip);
    return parts;
}

bool overlap(const PortMapping& a, const PortMapping& b) {
    const bool same_place = a.host_ip == b.host_ip || a.host_ip.empty() || b.host_ip.empty();
    return same_place && a.protocol == b.protocol && a.host_port != 0 && b.host_port != 0 && a.host_until == 0 &&
           b.host_until == 0 && a.host_port < b.host_port + b.count && b.host_port < a.host_port + a.count;
}

void check_conflicts(const std::vector<PortMapping>& ports) {
    for (std::size_t i = 0; i < ports.size(); ++i)
        for (std::size_t other = 0; other < i; ++other)
            if (overlap(ports[i], ports[other]))
                throw UsageError("port {}/{} of the host is published twice",
                                 std::max(ports[i].host_port, ports[other].host_port), ports[i].protocol);
}

} // namespace

std::vector<PortMapping> parse_port(const std::string& text) {
    const auto [address, protocol] = split_once(text, '/');
    const auto parts = split_mapping(text, address);
    PortMapping mapping;
    mapping.protocol = parse_protocol(text, protocol);
    if (!parts[0].empty()) {
        const auto ip = netns::Address::parse(parts[0]);
        if (!ip) bad_port(text, "'" + printable(parts[0]) + "' is not an IP address");
        mapping.host_ip = ip->str();
    }
    const PortRange container = parse_range(text, parts[2]);
    mapping.container_port = container.from;
    mapping.count = container.count;
    if (!parts[1].empty() && parts[1] != "0") {
        const PortRange host = parse_range(text, parts[1]);
        if (host.count != container.count && container.count != 1)
            bad_port(text, "the ranges of the host and of the container have different lengths");
        mapping.host_port = host.from;
        if (host.count != container.count) mapping.host_until = static_cast<std::uint16_t>(host.from + host.count - 1);
        return {mapping};
    }
    std::vector<PortMapping> each; // each on a port of its own
    mapping.count = 1;
    for (std::uint32_t i = 0; i < container.count; ++i, ++mapping.container_port) each.push_back(mapping);
    return each;
}

PortMapping parse_exposed(const std::string& text) {
    const auto [ports, protocol] = split_once(text, '/');
    const PortRange range = parse_range(text, ports);
    PortMapping mapping;
    mapping.protocol = parse_protocol(text, protocol);
    mapping.container_port = range.from;
    mapping.count = range.count;
    return mapping;
}

void interpret_ports(const CreateInput& in, ContainerConfig& config) {
    const auto expose = [&](const std::string& text) {
        const PortMapping port = parse_exposed(text);
        std::string range = std::to_string(port.container_port);
        if (port.count > 1) range += "-" + std::to_string(port.container_port + port.count - 1);
        std::string entry = range + "/" + port.protocol;
        if (std::find(config.exposed_ports.begin(), config.exposed_ports.end(), entry) == config.exposed_ports.end())
            config.exposed_ports.push_back(std::move(entry));
    };
    for (const auto& [port, empty] : in.image.config.config.exposed_ports) expose(port);
    for (const std::string& port : in.options.expose) expose(port);
    const std::string& mode = config.namespaces.network;
    if (in.options.publish.empty() && !in.options.publish_all) return;
    if (mode.starts_with("container:"))
        throw UsageError(
            "conflicting options: port publishing and --network container: (publish them with that container)");
    if (mode != "bridge") {
        // As the peers do: with the host's network the ports are there anyway.
        in.warn(fmt::format("published ports are discarded when using network mode '{}'", mode));
        return;
    }
    config.publish_all = in.options.publish_all;
    for (const std::string& text : in.options.publish)
        for (PortMapping& mapping : parse_port(text)) {
            if (mapping.host_ip.empty()) mapping.host_ip = in.host.ip;
            config.ports.push_back(std::move(mapping));
        }
    check_conflicts(config.ports);
}

} // namespace kist::engine
