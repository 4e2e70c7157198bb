// SPDX-License-Identifier: Apache-2.0
// Changes of networks that containers use: name servers, a container's name.
#include <algorithm>

#include "base/text.hh"
#include "engine/network_parts.hh"
#include "monitor/control.hh"
#include "netns/address.hh"
#include "netns/leases.hh"
#include "storage/event_log.hh"

namespace kist::engine {

namespace {

void check_servers(std::string_view option, const std::vector<std::string>& servers) {
    for (const std::string& server : servers)
        if (!netns::Address::parse(server))
            throw UsageError("{}: '{}' is not an IP address", option, printable(server));
}

/// The monitors of running containers ask the new servers from now on. One that has ended meanwhile reads them when it
/// starts again.
void tell_monitors(Engine& engine, const storage::NetworkConfig& config) {
    for (const storage::ContainerView& view : engine.containers().all()) {
        if (!view.monitor_alive || attachment_to(view, config.name) == nullptr) continue;
        if (auto monitor =
                monitor::ControlClient::connect(engine.containers().run_dir(*ContainerId::parse(view.config.id))))
            monitor->use_name_servers(name_servers_of(engine, view.config, view.state.network));
    }
}

} // namespace

void update_network(Engine& engine, const std::string& network, const std::vector<std::string>& add_dns,
                    const std::vector<std::string>& drop_dns) {
    check_servers("--dns-add", add_dns);
    check_servers("--dns-drop", drop_dns);
    if (add_dns.empty() && drop_dns.empty()) throw UsageError("network update needs --dns-add or --dns-drop");
    storage::NetworkConfig config;
    {
        const FileLock lock = engine.networks().lock(LockMode::exclusive);
        config = find_network(engine, network);
        if (is_default(config))
            throw Error("the default network is what kist.json says: change 'dns' there")
                .with_exit_code(ExitCode::failure);
        if (!config.dns_enabled)
            throw Error("network '{}' has no name service", config.name).with_exit_code(ExitCode::failure);
        for (const std::string& server : drop_dns)
            if (std::erase(config.dns_servers, server) == 0)
                throw Error("network '{}' has no name server {}", config.name, server)
                    .with_exit_code(ExitCode::failure);
        for (const std::string& server : add_dns)
            if (std::find(config.dns_servers.begin(), config.dns_servers.end(), server) == config.dns_servers.end())
                config.dns_servers.push_back(server);
        engine.networks().write(config);
    }
    storage::append_event(engine.store().data(),
                          {"network", "update", config.id, {{"name", config.name}, {"type", config.driver}}});
    tell_monitors(engine, config);
}

void rename_in_networks(Engine& engine, const storage::ContainerView& view) {
    const auto choices = networks_of(view.config);
    for (const netns::Attachment& attachment : view.state.network.attachments) {
        const auto choice = std::find_if(choices.begin(), choices.end(), [&](const storage::NetworkChoice& c) {
            return c.name == attachment.network.name;
        });
        if (choice == choices.end()) continue;
        const netns::Leases leases(engine.store().run(), attachment.network.name);
        for (const std::string& text : attachment.addresses) {
            const auto own = netns::InterfaceAddress::parse(text);
            const auto lease = own ? leases.find(own->address) : std::nullopt;
            if (!lease || lease->container != view.config.id) continue; // it has ended, and another one has the address
            leases.rename(own->address, {own->address, view.config.id, lease_names(view.config, *choice)});
        }
    }
}

} // namespace kist::engine
