// SPDX-License-Identifier: Apache-2.0
// Use cases on networks, and what a container's start needs of them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/value.hh"
#include "engine/engine.hh"
#include "netns/types.hh"

namespace kist::engine {

/// The network of a container that names none: it is in no file, kist.json and the host's routes say what it is
/// (SEEDS A205). Its subnet is chosen when it is first used in a boot; until then it has none here unless bip is set.
inline constexpr const char* default_network_name = "bridge";
storage::NetworkConfig default_network(Engine&);
/// By name or ID; "bridge" and "default" are the default one. Throws NotFound.
storage::NetworkConfig find_network(Engine&, const std::string& reference);
/// The default one first.
std::vector<storage::NetworkConfig> all_networks(Engine&);
/// The networks that a container asks for: "bridge" is not written in its record.
std::vector<storage::NetworkChoice> networks_of(const storage::ContainerConfig&);
netns::NetworkPlan network_plan(Engine&, const storage::NetworkConfig&);

/// Takes an address for each network of the container; the state that is written before the start holds the result. The
/// caller has the container's lock. On failure nothing is taken.
netns::ContainerPlan plan_container_network(Engine&, const storage::ContainerConfig&);
/// One network more for a container that runs; the caller holds the networks' lock and knows the default network settled.
netns::Attachment plan_attachment(Engine&, const storage::ContainerConfig&, const storage::NetworkChoice&,
                                  const std::vector<netns::Attachment>& others);
/// What of the host keeps containers' packets from passing, a sentence each; and those that were not said before in this
/// boot, after a start.
std::vector<std::string> network_warnings();
void warn_of_network(Engine&, const netns::ContainerPlan&);
/// After `rename`: the names by which others of its networks find a running container.
void rename_in_networks(Engine&, const storage::ContainerView&);
/// The error of a start with the name of the container that has the port, if one has.
void name_port_holder(Engine&, const netns::ContainerPlan&, Error&);
/// What a start took that was killed with its monitor before it wrote anything down, as far as `run` tells.
void clear_interrupted_leases(Engine&, const storage::ContainerConfig&, const Dir& run);
/// Removes what a container left that is dead, or that could not start.
void clear_container_network(Engine&, const std::string& id, const netns::ContainerPlan&);

struct NetworkOptions {
    std::string name, driver = "bridge", ipam_driver = "default", interface_name;
    std::vector<std::string> subnets, gateways, ranges, options, labels, dns, routes;
    bool internal = false, ipv6 = false, disable_dns = false, ignore = false;
};
/// The name of the network made.
std::string create_network(Engine&, const NetworkOptions&);
struct NetworkUser {
    std::string id, name; ///< of a container
    bool running = false;
};
/// The containers that have the network, running or not.
std::vector<NetworkUser> network_users(Engine&, const std::string& name);
/// Throws Error that names who uses it. `force`: those containers are removed first.
void remove_network(Engine&, const std::string& reference, bool force, std::optional<int> timeout);
/// Removes networks that no container has (also the default one's bridge, which comes back when it is needed).
std::vector<std::string> prune_networks(Engine&, const std::vector<std::string>& filters);
Value inspect_network(Engine&, const storage::NetworkConfig&);
/// The row of `network ls`.
Value network_row(const storage::NetworkConfig&, bool no_trunc);
std::vector<storage::NetworkConfig> list_networks(Engine&, const std::vector<std::string>& filters);
/// Puts a container, running or not, into a network too. `wish`: addresses and aliases; its name is not looked at.
/// `links`: NAME[:ALIAS] of containers that it finds by that name there.
void connect_network(Engine&, const std::string& network, const ContainerId&, storage::NetworkChoice wish,
                     const std::vector<std::string>& links);
void disconnect_network(Engine&, const std::string& network, const ContainerId&);
/// Puts back what others removed of a running container's links and firewall elements.
void reload_network(Engine&, const ContainerId&);
/// Name servers that containers of the network ask what the network does not know; running ones do so at once.
void update_network(Engine&, const std::string& network, const std::vector<std::string>& add_dns,
                    const std::vector<std::string>& drop_dns);

} // namespace kist::engine
