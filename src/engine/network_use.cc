// SPDX-License-Identifier: Apache-2.0
// Networks that are there: listing, inspecting, removing, and what a running container's monitor is asked to change.
#include <algorithm>
#include <map>
#include <regex>

#include "base/text.hh"
#include "base/time.hh"
#include "engine/containers.hh"
#include "engine/create_parts.hh"
#include "engine/inspect_parts.hh"
#include "engine/network_subnets.hh"
#include "engine/networks.hh"
#include "engine/repair.hh"
#include "monitor/control.hh"
#include "netns/container_network.hh"
#include "netns/firewall.hh"
#include "netns/leases.hh"
#include "netns/links.hh"
#include "storage/event_log.hh"

namespace kist::engine {

namespace {

using storage::ContainerView;
using storage::NetworkConfig;

bool is_default(const NetworkConfig& config) { return config.name == default_network_name; }

bool is_running(const ContainerView& view) { return view.monitor_alive || view.state.pid != 0; }

const netns::Attachment* attachment_to(const ContainerView& view, const std::string& network) {
    for (const netns::Attachment& attachment : view.state.network.attachments)
        if (attachment.network.name == network) return &attachment;
    return nullptr;
}

void tell_network(Engine& engine, const NetworkConfig& config, std::string_view action,
                  std::string_view container = {}) {
    storage::Event event{"network", action, config.id, {{"name", config.name}, {"type", config.driver}}};
    if (!container.empty()) event.attributes.emplace_back("container", container);
    storage::append_event(engine.store().data(), event);
}

/// What the kernel has of it. The caller has seen that nobody uses it.
void remove_kernel_parts(Engine& engine, const NetworkConfig& config) {
    if (config.driver != "bridge") return;
    const netns::NetworkPlan plan = network_plan(engine, config);
    netns::NetlinkSocket links(NETLINK_ROUTE);
    if (!plan.foreign_device && netns::link_alias(links, plan.device) == netns::bridge_alias(plan.owner))
        netns::remove_link(links, plan.device);
    netns::NetlinkSocket firewall(NETLINK_NETFILTER);
    netns::forget_network(firewall, plan);
    if (!netns::serves_networks(firewall)) {
        netns::remove_firewall(firewall);
        netns::restore_forwarding(engine.store().run());
    }
}

void remove_unused(Engine& engine, const NetworkConfig& config) {
    remove_kernel_parts(engine, config);
    if (is_default(config)) return forget_default_network(engine);
    engine.networks().remove(config.name);
    engine.store().run().create_dir("networks").remove_tree(config.name);
    tell_network(engine, config, "destroy");
}

} // namespace

std::vector<NetworkUse> network_users(Engine& engine, const std::string& name) {
    std::vector<NetworkUse> users;
    for (const ContainerView& view : engine.containers().all()) {
        const auto choices = networks_of(view.config);
        const bool asked = std::any_of(choices.begin(), choices.end(),
                                       [&](const storage::NetworkChoice& choice) { return choice.name == name; });
        if (asked || attachment_to(view, name) != nullptr)
            users.push_back({view.config.id, view.config.name, is_running(view)});
    }
    return users;
}

void remove_network(Engine& engine, const std::string& reference, bool force, std::optional<int> timeout) {
    const NetworkConfig config = find_network(engine, reference);
    if (is_default(config))
        throw Error("network {} is the default one and cannot be removed", config.name)
            .with_exit_code(ExitCode::failure);
    const auto users = network_users(engine, config.name);
    if (!users.empty() && !force) {
        std::vector<std::string> names;
        for (const NetworkUse& user : users) names.push_back(user.name);
        Error error("network {} is in use by container {}", config.name, quoted_choice(names));
        error.with_hint("remove the containers first, or use --force, which removes them too")
            .with_exit_code(ExitCode::failure);
        throw error;
    }
    for (const NetworkUse& user : users)
        remove(engine, *ContainerId::parse(user.id), {.force = true, .volumes = false, .timeout = timeout});
    const FileLock lock = engine.networks().lock(LockMode::exclusive);
    remove_unused(engine, config);
}

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

std::vector<std::string> prune_networks(Engine& engine, const std::vector<std::string>& filters) {
    const auto candidates = list_networks(engine, filters);
    const FileLock lock = engine.networks().lock(LockMode::exclusive);
    std::vector<std::string> removed;
    for (const NetworkConfig& config : candidates) {
        const auto users = network_users(engine, config.name);
        // Of the default network only the bridge goes: it is in the way of nobody who has a container, running or not.
        const bool used = is_default(config) ? std::any_of(users.begin(), users.end(),
                                                           [](const NetworkUse& user) { return user.running; })
                                             : !users.empty();
        if (used) continue;
        remove_unused(engine, config);
        if (!is_default(config)) removed.push_back(config.name);
    }
    return removed;
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

namespace {

monitor::ControlClient monitor_of(Engine& engine, const ContainerView& view) {
    auto client = monitor::ControlClient::connect(engine.containers().run_dir(*ContainerId::parse(view.config.id)));
    if (!client) throw Error("its monitor does not answer");
    return std::move(*client);
}

void need_own_network(const ContainerView& view) {
    if (view.config.namespaces.network != "bridge")
        throw Error("container '{}' has network mode '{}': it cannot be in other networks", view.config.name,
                    view.config.namespaces.network)
            .with_exit_code(ExitCode::failure);
}

} // namespace

void connect_network(Engine& engine, const std::string& network, const ContainerId& id,
                     const storage::NetworkChoice& wish) {
    const auto lock = engine.containers().lock(id);
    ContainerView view = settle_locked(engine, id);
    need_own_network(view);
    const NetworkConfig config = find_network(engine, network);
    auto choices = networks_of(view.config);
    for (const storage::NetworkChoice& choice : choices)
        if (choice.name == config.name)
            throw Error("container '{}' is already connected to network '{}'", view.config.name, config.name)
                .with_exit_code(ExitCode::failure);
    storage::NetworkChoice choice = wish;
    choice.name = config.name;
    check_network_choice(choice, config);
    choices.push_back(choice);
    if (is_running(view)) {
        if (is_default(config)) settle_default_network(engine);
        const FileLock networks = engine.networks().lock(LockMode::shared);
        const netns::Attachment attachment =
            plan_attachment(engine, view.config, choice, view.state.network.attachments);
        try {
            monitor_of(engine, view).connect_network(attachment);
        } catch (...) {
            netns::ContainerPlan taken;
            taken.attachments.push_back(attachment);
            clear_container_network(engine, view.config.id, taken);
            throw;
        }
    }
    view.config.networks = choices;
    engine.containers().write_config(view.config);
    tell_network(engine, config, "connect", view.config.id);
}

void disconnect_network(Engine& engine, const std::string& network, const ContainerId& id) {
    const auto lock = engine.containers().lock(id);
    ContainerView view = settle_locked(engine, id);
    need_own_network(view);
    const NetworkConfig config = find_network(engine, network);
    auto choices = networks_of(view.config);
    const auto found = std::find_if(choices.begin(), choices.end(),
                                    [&](const storage::NetworkChoice& choice) { return choice.name == config.name; });
    if (found == choices.end())
        throw Error("container '{}' is not connected to network '{}'", view.config.name, config.name)
            .with_exit_code(ExitCode::failure);
    if (is_running(view) && attachment_to(view, config.name) != nullptr)
        monitor_of(engine, view).disconnect_network(config.name);
    choices.erase(found);
    // An empty list would mean the default network.
    if (choices.empty()) view.config.namespaces.network = "none";
    view.config.networks = choices;
    engine.containers().write_config(view.config);
    tell_network(engine, config, "disconnect", view.config.id);
}

void reload_network(Engine& engine, const ContainerId& id) {
    const ContainerView view = settled_view(engine, id);
    if (!is_running(view))
        throw Error("container '{}' is not running", view.config.name).with_exit_code(ExitCode::failure);
    if (!view.state.network.attachments.empty()) monitor_of(engine, view).reload_network();
}

} // namespace kist::engine
