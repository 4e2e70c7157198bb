// SPDX-License-Identifier: Apache-2.0
// Networks on disk: data/networks/<name>/network.json, a folder that appears by one rename, so of many commands that make
// one name exactly one succeeds (SEEDS A206). What a network has in this boot (leases, the default network's subnet) lies
// under the run root: netns/leases.hh.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/lock.hh"
#include "netns/types.hh"
#include "storage/store.hh"

namespace kist::storage {

struct NetworkConfig {
    int schema = 1;
    std::string id; ///< 64 hex digits
    std::string name;
    std::int64_t created = 0; ///< ns since 1970
    std::string driver = "bridge";
    std::string ipam_driver = "host-local";
    std::string device; ///< name of the bridge, or the parent's of a macvlan
    bool internal = false, ipv6 = false;
    bool dns_enabled = true;
    std::vector<std::string> dns_servers;
    std::vector<netns::SubnetConfig> subnets;
    std::vector<netns::RouteConfig> routes;
    std::map<std::string, std::string> labels, options;
    bool operator==(const NetworkConfig&) const = default;
    static constexpr void fields(auto&& field) {
        using N = NetworkConfig;
        field("schema", &N::schema, required);
        field("id", &N::id, required);
        field("name", &N::name, required);
        field("created", &N::created, required);
        field("driver", &N::driver);
        field("ipam_driver", &N::ipam_driver);
        field("device", &N::device);
        field("internal", &N::internal);
        field("ipv6", &N::ipv6);
        field("dns_enabled", &N::dns_enabled);
        field("dns_servers", &N::dns_servers);
        field("subnets", &N::subnets);
        field("routes", &N::routes);
        field("labels", &N::labels);
        field("options", &N::options);
    }
};

class NetworkStore {
public:
    explicit NetworkStore(const Store&);

    /// Durable when it returns. Throws Error "network with name web already exists".
    void create(const NetworkConfig&) const;
    void write(const NetworkConfig&) const;
    /// By exact name; nothing when there is none.
    std::optional<NetworkConfig> read(const std::string& name) const;
    /// Name, full id or unique prefix of one. Throws NotFound "network web not found" or Error for an ambiguous prefix.
    NetworkConfig find(const std::string& reference) const;
    std::optional<NetworkConfig> find_if_exists(const std::string& reference) const;
    /// Sorted by name. A damaged record is named in `damaged` if given, else thrown.
    std::vector<NetworkConfig> all(std::vector<std::string>* damaged = nullptr) const;
    void remove(const std::string& name) const;
    /// Held exclusively while subnets are chosen or networks removed, shared while a container takes an address.
    FileLock lock(LockMode mode) const;

private:
    const Store& store_;
    Dir networks_; ///< none while there is no network
};

} // namespace kist::storage
