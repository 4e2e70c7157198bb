// SPDX-License-Identifier: Apache-2.0
// network ls and network inspect: filters, rows and documents.
#include <algorithm>
#include <map>
#include <regex>

#include "base/text.hh"
#include "base/time.hh"
#include "engine/inspect_parts.hh"
#include "engine/network_parts.hh"

namespace kist::engine {

using storage::ContainerView;
using storage::NetworkConfig;

namespace {

using NetworkTest = std::function<bool(const NetworkConfig&)>;

NetworkTest network_test(const std::string& key, const std::string& value) {
    if (key == "name")
        return [pattern = std::regex(value)](const NetworkConfig& n) { return std::regex_search(n.name, pattern); };
    if (key == "id") return [value](const NetworkConfig& n) { return n.id.starts_with(value); };
    if (key == "driver") return [value](const NetworkConfig& n) { return n.driver == value; };
    if (key == "type") {
        if (value != "builtin" && value != "custom")
            throw UsageError("invalid filter 'type={}': it is builtin or custom", printable(value));
        return [value](const NetworkConfig& n) { return is_default(n) == (value == "builtin"); };
    }
    if (key == "label" || key == "label!") {
        auto [name, wanted] = split_once(value, '=');
        const bool has = key == "label";
        return [name = name, wanted = wanted, has](const NetworkConfig& n) {
            const auto found = n.labels.find(name);
            return (found != n.labels.end() && (!wanted || found->second == *wanted)) == has;
        };
    }
    if (key == "until")
        return [moment = parse_when(value, Moment::now())](const NetworkConfig& n) { return n.created < moment.ns; };
    throw UsageError("invalid filter '{}': it is name, id, driver, type, label, label!, until or dangling",
                     printable(key));
}

std::vector<std::pair<std::string, std::string>> parse_filters(const std::vector<std::string>& filters) {
    std::vector<std::pair<std::string, std::string>> parsed;
    for (const std::string& text : filters) {
        const auto [key, value] = split_once(text, '=');
        if (!value) throw UsageError("invalid filter '{}': it is KEY=VALUE", printable(text));
        parsed.emplace_back(key, *value);
    }
    return parsed;
}

} // namespace

std::vector<NetworkConfig> list_networks(Engine& engine, const std::vector<std::string>& filters) {
    std::map<std::string, std::vector<NetworkTest>> tests; // of one key any, of different keys all
    std::optional<bool> dangling;
    for (const auto& [key, value] : parse_filters(filters)) {
        if (key == "dangling") {
            dangling = value == "true" || value == "1";
            continue;
        }
        try {
            tests[key.starts_with("label") ? key + value : key].push_back(network_test(key, value));
        } catch (const std::regex_error&) {
            throw UsageError("invalid filter '{}={}': not a regular expression", key, printable(value));
        }
    }
    std::vector<NetworkConfig> list = all_networks(engine);
    std::erase_if(list, [&](const NetworkConfig& config) {
        for (const auto& [key, any] : tests)
            if (std::none_of(any.begin(), any.end(), [&](const NetworkTest& test) { return test(config); }))
                return true;
        return dangling && network_users(engine, config.name).empty() != *dangling;
    });
    return list;
}

Value inspect_network(Engine& engine, const NetworkConfig& config) {
    Value value = Value::object(), ipam = Value::object(), pools = Value::list(), containers = Value::object(),
          subnets = Value::list();
    value.set("Name", config.name);
    value.set("Id", config.id);
    value.set("Created", to_rfc3339({config.created}));
    value.set("Scope", "local");
    value.set("Driver", config.driver);
    value.set("EnableIPv4", true);
    value.set("EnableIPv6", config.ipv6);
    for (const netns::SubnetConfig& subnet : config.subnets) {
        Value pool = Value::object(), plain = Value::object();
        pool.set("Subnet", subnet.subnet);
        plain.set("subnet", subnet.subnet);
        if (!subnet.range.empty()) pool.set("IPRange", subnet.range);
        if (!subnet.gateway.empty()) pool.set("Gateway", subnet.gateway);
        if (!subnet.gateway.empty()) plain.set("gateway", subnet.gateway);
        pools.push(std::move(pool));
        subnets.push(std::move(plain));
    }
    ipam.set("Driver", config.ipam_driver == "host-local" ? "default" : config.ipam_driver);
    ipam.set("Options", Value::object());
    ipam.set("Config", std::move(pools));
    value.set("IPAM", std::move(ipam));
    value.set("Internal", config.internal);
    value.set("Attachable", false);
    value.set("Ingress", false);
    value.set("ConfigOnly", false);
    for (const ContainerView& view : engine.containers().all()) {
        const netns::Attachment* own = attachment_to(view, config.name);
        if (own == nullptr) continue;
        Value entry = Value::object();
        entry.set("Name", view.config.name);
        entry.set("EndpointID", view.config.id);
        entry.set("MacAddress", own->mac);
        std::string v4, v6;
        for (const std::string& address : own->addresses) (address.find(':') == std::string::npos ? v4 : v6) = address;
        entry.set("IPv4Address", v4);
        entry.set("IPv6Address", v6);
        containers.set(view.config.id, std::move(entry));
    }
    value.set("Containers", std::move(containers));
    value.set("Options", map_value(config.options));
    value.set("Labels", map_value(config.labels));
    // Podman's names of the same.
    value.set("network_interface", config.device);
    value.set("subnets", std::move(subnets));
    value.set("dns_enabled", config.dns_enabled);
    value.set("network_dns_servers", list_value(config.dns_servers));
    return value;
}

Value network_row(const NetworkConfig& config, bool no_trunc) {
    Value row = Value::object();
    std::vector<std::string> labels;
    for (const auto& [key, text] : config.labels) labels.push_back(key + "=" + text);
    row.set("ID", no_trunc ? config.id : config.id.substr(0, 12));
    row.set("Name", config.name);
    row.set("Driver", config.driver);
    row.set("Scope", "local");
    row.set("IPv4", "true");
    row.set("IPv6", config.ipv6 ? "true" : "false");
    row.set("Internal", config.internal ? "true" : "false");
    row.set("Labels", join(labels, ","));
    row.set("CreatedAt", to_created_at({config.created}));
    row.set("Created", to_created_at({config.created}));
    return row;
}

} // namespace kist::engine
