// SPDX-License-Identifier: Apache-2.0
// Networks that are there: who uses them, removing them, and what a running container's monitor is asked to change.
#include <algorithm>

#include "base/rollback.hh"
#include "base/text.hh"
#include "engine/containers.hh"
#include "engine/create_parts.hh"
#include "engine/name_files.hh"
#include "engine/network_parts.hh"
#include "engine/network_subnets.hh"
#include "engine/networks.hh"
#include "engine/repair.hh"
#include "monitor/control.hh"
#include "netns/container_network.hh"
#include "netns/firewall.hh"
#include "netns/forwarding.hh"
#include "netns/leases.hh"
#include "netns/links.hh"
#include "storage/event_log.hh"

namespace kist::engine {

namespace {

using storage::ContainerView;
using storage::NetworkConfig;

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
        // podman, docker and libvirt do not turn on what is on: their networks would be cut off.
        if (!netns::has_foreign_bridge(links)) netns::restore_forwarding(engine.store().run());
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

std::vector<NetworkUser> network_users(Engine& engine, const std::string& name) {
    std::vector<NetworkUser> users;
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
        for (const NetworkUser& user : users) names.push_back(user.name);
        Error error("network {} is in use by container {}", config.name, quoted_choice(names));
        error.with_hint("remove the containers first, or use --force, which removes them too")
            .with_exit_code(ExitCode::failure);
        throw error;
    }
    for (const NetworkUser& user : users)
        remove(engine, *ContainerId::parse(user.id), {.force = true, .volumes = false, .timeout = timeout});
    const FileLock lock = engine.networks().lock(LockMode::exclusive);
    remove_unused(engine, config);
}

std::vector<std::string> prune_networks(Engine& engine, const std::vector<std::string>& filters) {
    const auto candidates = list_networks(engine, filters);
    const FileLock lock = engine.networks().lock(LockMode::exclusive);
    std::vector<std::string> removed;
    for (const NetworkConfig& config : candidates) {
        const auto users = network_users(engine, config.name);
        // Of the default network only the bridge goes: it is in the way of nobody who has a container, running or not.
        const bool used = is_default(config) ? std::any_of(users.begin(), users.end(),
                                                           [](const NetworkUser& user) { return user.running; })
                                             : !users.empty();
        if (used) continue;
        remove_unused(engine, config);
        if (!is_default(config)) removed.push_back(config.name);
    }
    return removed;
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

namespace {

/// In a network with names the container asks its monitor from now on; whom that asks further may have changed, too.
void serve_names(Engine& engine, const ContainerView& view, const netns::Attachment& attachment,
                 monitor::ControlClient& monitor) {
    if (!attachment.network.names && attachment.links.empty()) return;
    netns::ContainerPlan plan = view.state.network;
    plan.attachments.push_back(attachment);
    monitor.use_name_servers(name_servers_of(engine, view.config, plan));
    if (plan.name_service) return;
    plan.name_service = true;
    write_resolv_file(view.config, plan, engine.containers().run_dir(*ContainerId::parse(view.config.id)));
}

void connect_running(Engine& engine, const ContainerView& view, const storage::NetworkChoice& choice) {
    const netns::Attachment attachment = plan_attachment(engine, view.config, choice, view.state.network.attachments);
    monitor::ControlClient monitor = monitor_of(engine, view);
    Rollback undo;
    undo.add([&] {
        netns::ContainerPlan taken;
        taken.attachments.push_back(attachment);
        clear_container_network(engine, view.config.id, taken);
    });
    monitor.connect_network(attachment);
    undo.add([&] { monitor.disconnect_network(attachment.network.name); });
    serve_names(engine, view, attachment, monitor);
    undo.commit();
}

} // namespace

void connect_network(Engine& engine, const std::string& network, const ContainerId& id, storage::NetworkChoice choice,
                     const std::vector<std::string>& links) {
    choice.links = parse_links(links, [&](const std::string& name) {
        return engine.containers().view(engine.containers().find(name)).value();
    });
    const auto lock = engine.containers().lock(id);
    ContainerView view = settle_locked(engine, id);
    need_own_network(view);
    const NetworkConfig config = find_network(engine, network);
    auto choices = networks_of(view.config);
    for (const storage::NetworkChoice& own : choices)
        if (own.name == config.name)
            throw Error("container '{}' is already connected to network '{}'", view.config.name, config.name)
                .with_exit_code(ExitCode::failure);
    choice.name = config.name;
    check_network_choice(choice, config);
    choices.push_back(choice);
    if (is_running(view)) {
        if (is_default(config)) settle_default_network(engine);
        const FileLock networks = engine.networks().lock(LockMode::shared);
        connect_running(engine, view, choice);
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
