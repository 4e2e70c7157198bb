// SPDX-License-Identifier: Apache-2.0
// A container's networks at its start: addresses leased, names of links chosen, ports listed; the monitor carries it out.
#include <algorithm>

#include <fcntl.h>

#include "base/ids.hh"
#include "base/rollback.hh"
#include "base/text.hh"
#include "engine/create_parts.hh"
#include "engine/name_files.hh"
#include "engine/network_parts.hh"
#include "engine/network_subnets.hh"
#include "engine/networks.hh"
#include "engine/repair.hh"
#include "netns/container_network.hh"
#include "netns/leases.hh"
#include "netns/ports.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;
using storage::NetworkChoice;
using storage::NetworkConfig;

bool holds_its_address(Engine& engine, const std::string& id) {
    const auto parsed = ContainerId::parse(id);
    const auto view = parsed ? engine.containers().view(*parsed) : std::nullopt;
    if (!view) return false;
    // One that is being started has its address already, and no monitor yet.
    return view->monitor_alive || view->state.pid != 0 ||
           FileLock::is_held(engine.containers().data_dir(*parsed), "lock");
}

void lease_addresses(Engine& engine, const ContainerConfig& config, const NetworkChoice& choice,
                     const NetworkConfig& network, netns::Attachment& attachment) {
    const netns::Leases leases(engine.store().run(), network.name);
    const auto lives = [&](const std::string& id) { return holds_its_address(engine, id); };
    netns::Lease lease{{}, config.id, lease_names(config, choice)};
    bool has[2] = {false, false};
    Rollback undo;
    for (const netns::SubnetConfig& subnet : network.subnets) {
        const auto range = netns::Subnet::parse(subnet.subnet);
        if (!range) throw Error("network '{}': '{}' is no subnet", network.name, subnet.subnet);
        const bool v6 = range->base().is_v6();
        const auto wanted = netns::Address::parse(v6 ? choice.ip6 : choice.ip);
        if (has[v6 ? 1 : 0] || (wanted && !range->contains(*wanted))) continue;
        const netns::Address own = leases.take(subnet, wanted, lease, lives);
        undo.add([&leases, &config, own] { leases.release(own, config.id); });
        attachment.addresses.push_back(netns::InterfaceAddress{own, range->prefix()}.str());
        has[v6 ? 1 : 0] = true;
    }
    for (const bool v6 : {false, true})
        if (const std::string& asked = v6 ? choice.ip6 : choice.ip; !asked.empty() && !has[v6 ? 1 : 0])
            throw Error("address {} is in none of its subnets", asked);
    undo.commit();
}

std::string random_mac() {
    const std::string hex = random_hex(4);
    return fmt::format("02:42:{}:{}:{}:{}", hex.substr(0, 2), hex.substr(2, 2), hex.substr(4, 2), hex.substr(6, 2));
}

/// Nobody watches the sources of one that may configure its own network.
bool is_guarded(const ContainerConfig& config) {
    if (config.security.privileged) return false;
    const auto capabilities = capabilities_of(config.security);
    return std::find(capabilities.begin(), capabilities.end(), "CAP_NET_ADMIN") == capabilities.end();
}

netns::Attachment attach(Engine& engine, const ContainerConfig& config, const NetworkChoice& choice,
                         const std::string& interface) {
    const NetworkConfig network = find_network(engine, choice.name);
    netns::Attachment attachment;
    attachment.network = network_plan(engine, network);
    attachment.interface = interface;
    attachment.aliases = choice.aliases;
    attachment.links = choice.links;
    attachment.guarded = is_guarded(config);
    // New at each start: the link of the last run may still be on its way out.
    if (network.driver == "bridge") attachment.host_interface = "kv" + config.id.substr(0, 6) + random_hex(3);
    lease_addresses(engine, config, choice, network, attachment);
    attachment.mac = choice.mac;
    if (attachment.mac.empty() && !attachment.addresses.empty())
        attachment.mac =
            netns::mac_text(netns::mac_of(netns::InterfaceAddress::parse(attachment.addresses.front())->address));
    if (attachment.mac.empty()) attachment.mac = random_mac();
    return attachment;
}

/// The first name ethN that nobody has.
std::string next_interface(const std::vector<NetworkChoice>& choices, const std::vector<netns::Attachment>& made) {
    for (int n = 0;; ++n) {
        std::string name = "eth" + std::to_string(n);
        const bool asked =
            std::any_of(choices.begin(), choices.end(), [&](const NetworkChoice& c) { return c.interface == name; });
        const bool used =
            std::any_of(made.begin(), made.end(), [&](const netns::Attachment& a) { return a.interface == name; });
        if (!asked && !used) return name;
    }
}

/// -P: what is exposed and not published, each on a port of its own.
void publish_exposed(const ContainerConfig& config, std::vector<netns::PortMapping>& ports) {
    if (!config.publish_all) return;
    const auto published = [&](const netns::PortMapping& wanted) {
        return std::any_of(ports.begin(), ports.end(), [&](const netns::PortMapping& port) {
            return port.protocol == wanted.protocol && wanted.container_port >= port.container_port &&
                   wanted.container_port < port.container_port + port.count;
        });
    };
    for (const std::string& text : config.exposed_ports) {
        netns::PortMapping port = parse_exposed(text);
        const std::uint16_t count = std::exchange(port.count, std::uint16_t{1});
        for (std::uint32_t i = 0; i < count; ++i, ++port.container_port)
            if (!published(port)) ports.push_back(port);
    }
}

} // namespace

netns::Attachment plan_attachment(Engine& engine, const ContainerConfig& config, const NetworkChoice& choice,
                                  const std::vector<netns::Attachment>& others) {
    const std::string interface =
        choice.interface.empty() ? next_interface(networks_of(config), others) : choice.interface;
    try {
        return attach(engine, config, choice, interface);
    } catch (Error& error) {
        error.while_doing("network '{}'", choice.name);
        throw;
    }
}

namespace {

/// Whether its monitor answers for it, and whom that asks.
void plan_names(Engine& engine, const ContainerConfig& config, netns::ContainerPlan& plan) {
    const auto has_names = [](const netns::Attachment& attachment) {
        return attachment.network.names || !attachment.links.empty();
    };
    const auto host = host_name_servers();
    const bool only_loopback = !host.empty() && std::all_of(host.begin(), host.end(), [](const std::string& server) {
        const auto address = netns::Address::parse(server);
        return !address || address->is_loopback();
    });
    // Where the host asks a resolver of its own on 127.0.0.1, only the host can ask it.
    plan.name_service = std::any_of(plan.attachments.begin(), plan.attachments.end(), has_names) ||
                        (config.dns.empty() && only_loopback);
    if (plan.name_service) plan.name_servers = name_servers_of(engine, config, plan);
}

} // namespace

std::vector<std::string> lease_names(const ContainerConfig& config, const NetworkChoice& choice) {
    std::vector<std::string> names{config.name, config.id.substr(0, 12)};
    if (!config.hostname.empty()) names.push_back(config.hostname);
    names.insert(names.end(), choice.aliases.begin(), choice.aliases.end());
    return names;
}

std::vector<std::string> name_servers_of(Engine& engine, const ContainerConfig& config,
                                         const netns::ContainerPlan& plan) {
    std::vector<std::string> servers = config.dns;
    if (servers.empty())
        for (const netns::Attachment& attachment : plan.attachments)
            for (const std::string& server : find_network(engine, attachment.network.name).dns_servers)
                servers.push_back(server);
    return servers.empty() ? host_name_servers() : servers;
}

netns::ContainerPlan plan_container_network(Engine& engine, const ContainerConfig& config) {
    netns::ContainerPlan plan;
    const auto choices = networks_of(config);
    if (choices.empty()) return plan;
    for (const NetworkChoice& choice : choices)
        if (choice.name == default_network_name) settle_default_network(engine);
    const FileLock lock = engine.networks().lock(LockMode::shared); // nobody removes a network meanwhile
    const Dir run = engine.containers().run_dir(ContainerId::parse(config.id).value());
    clear_interrupted_leases(engine, config, run);
    if (!run.open_file(leasing_mark, O_WRONLY | O_CREAT, 0600))
        throw SysError("writing '{}'", run.path_of(leasing_mark));
    plan.ports = config.ports;
    publish_exposed(config, plan.ports);
    if (engine.config().expose_netns) plan.pin = "kist-" + config.id.substr(0, 12);
    try {
        for (const NetworkChoice& choice : choices)
            plan.attachments.push_back(plan_attachment(engine, config, choice, plan.attachments));
    } catch (...) {
        clear_container_network(engine, config.id, plan);
        throw;
    }
    plan_names(engine, config, plan);
    return plan;
}

void clear_interrupted_leases(Engine& engine, const ContainerConfig& config, const Dir& run) {
    if (!run.exists(leasing_mark)) return;
    for (const NetworkChoice& choice : networks_of(config))
        netns::Leases(engine.store().run(), choice.name).release_all(config.id);
    run.remove_file(leasing_mark);
}

void name_port_holder(Engine& engine, const netns::ContainerPlan& plan, Error& error) {
    if (plan.ports.empty() || error.message().find("already in use") == std::string::npos) return;
    for (const storage::ContainerView& view : engine.containers().all()) {
        if (!view.monitor_alive) continue;
        for (const netns::PortMapping& theirs : view.state.network.ports)
            for (const netns::PortMapping& ours : plan.ports) {
                const bool meets = theirs.protocol == ours.protocol &&
                                   ours.host_port < theirs.host_port + theirs.count &&
                                   theirs.host_port < ours.host_port + ours.count;
                if (meets && ours.host_port != 0) {
                    error.with_hint("container '" + view.config.name + "' publishes port " + netns::host_side(theirs) +
                                    "/" + theirs.protocol);
                    return;
                }
            }
    }
    error.with_hint("another program of this host listens there: see 'ss -lntup'");
}

void clear_container_network(Engine& engine, const std::string& id, const netns::ContainerPlan& plan) {
    if (!plan.attachments.empty()) netns::clear_network(plan, engine.store().run(), id);
}

} // namespace kist::engine
