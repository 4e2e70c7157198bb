// SPDX-License-Identifier: Apache-2.0
// /etc/kist/kist.json: host-wide settings in the place of dockerd's daemon.json, read here and nowhere else (DESIGN 10).
// Later issues add their keys with the feature: a key that is not there yet is an unknown key.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.hh"
#include "base/value.hh"

namespace kist::engine {

struct UlimitDefault {
    std::string name;
    std::int64_t hard = 0, soft = 0;
    bool operator==(const UlimitDefault&) const = default;
    static constexpr void fields(auto&& field) {
        field("Name", &UlimitDefault::name);
        field("Hard", &UlimitDefault::hard, required);
        field("Soft", &UlimitDefault::soft, required);
    }
};

/// One registry of `registries`, by HOST[:PORT].
struct RegistryConfig {
    std::vector<std::string> mirrors; ///< HOST[:PORT][/PATH], tried in order before the registry itself
    /// HOST[:PORT] that may get the registry's credential as its token service
    std::vector<std::string> token_hosts;
    bool operator==(const RegistryConfig&) const = default;
    static constexpr void fields(auto&& field) {
        field("mirrors", &RegistryConfig::mirrors);
        field("token-hosts", &RegistryConfig::token_hosts);
    }
};

struct AddressPool {
    std::string base;  ///< "172.30.0.0/16"
    unsigned size = 0; ///< prefix length of each network taken from it
    bool operator==(const AddressPool&) const = default;
    static constexpr void fields(auto&& field) {
        field("base", &AddressPool::base, required);
        field("size", &AddressPool::size, required);
    }
};

struct HostConfig {
    std::string data_root = "/var/lib/kist";
    std::string exec_root = "/run/kist";
    std::string storage_driver;            ///< empty: recorded one, else overlay
    std::vector<std::string> storage_opts; ///< "overlay2.index=on": of the driver, for containers made from now on
    std::string log_driver = "json-file";
    std::map<std::string, std::string> log_opts;
    std::map<std::string, UlimitDefault> default_ulimits;
    std::string default_shm_size = "64m";
    std::vector<std::string> default_capabilities; ///< empty: the 14; ["podman"] the 11
    std::vector<std::string> exec_opts;            ///< native.umask=…, native.cgroupdriver=…
    std::vector<std::string> dns, dns_search, dns_opts;
    std::string bridge;     ///< of the default network; empty: kist0, "none": no network by default
    std::string bip;        ///< address of kist0 with prefix; empty: a subnet that is free
    std::string fixed_cidr; ///< addresses of the default network are taken from here
    std::string ip;         ///< where ports are published that name no address of the host; empty: everywhere
    std::uint32_t mtu = 0;  ///< 0: that of the host's default route
    bool icc = true;        ///< containers of the default network may talk to each other
    bool ip_masq = true;
    bool expose_netns = true; ///< a link in /run/netns for each container
    std::vector<AddressPool> default_address_pools;
    bool init = false;
    std::string hook_spec;                          ///< absolute; hooks of every container made from now on
    std::string init_path;                          ///< empty: catatonit where the distribution puts it
    std::vector<std::string> insecure_registries;   ///< HOST[:PORT] spoken to by plain http
    std::string default_registry = "docker.io";     ///< of names without one
    std::map<std::string, std::string> short_names; ///< "fedora" → "registry.fedoraproject.org/fedora"
    std::vector<std::string> registry_mirrors;      ///< of docker.io: "https://mirror.example"
    std::int64_t max_concurrent_downloads = 4, max_concurrent_uploads = 4;
    std::map<std::string, RegistryConfig> registries;
    std::int64_t registry_timeout = 60; ///< seconds without an answer's bytes
    std::string seccomp_profile;
    bool no_new_privileges = false;
    std::string cgroup_parent = "/kist";
    std::string cp_owner = "container"; ///< of what cp copies into one: its user, "source" (as -a) or "root"
    bool debug = false;
    std::string log_level = "warn";
    bool operator==(const HostConfig&) const = default;
    static constexpr void fields(auto&& field) {
        using H = HostConfig;
        field("data-root", &H::data_root);
        field("exec-root", &H::exec_root);
        field("storage-driver", &H::storage_driver);
        field("storage-opts", &H::storage_opts);
        field("log-driver", &H::log_driver);
        field("log-opts", &H::log_opts);
        field("default-ulimits", &H::default_ulimits);
        field("default-shm-size", &H::default_shm_size);
        field("default-capabilities", &H::default_capabilities);
        field("exec-opts", &H::exec_opts);
        field("dns", &H::dns);
        field("dns-search", &H::dns_search);
        field("dns-opts", &H::dns_opts);
        field("bridge", &H::bridge);
        field("bip", &H::bip);
        field("fixed-cidr", &H::fixed_cidr);
        field("ip", &H::ip);
        field("mtu", &H::mtu);
        field("icc", &H::icc);
        field("ip-masq", &H::ip_masq);
        field("expose-netns", &H::expose_netns);
        field("default-address-pools", &H::default_address_pools);
        field("init", &H::init);
        field("hook-spec", &H::hook_spec);
        field("init-path", &H::init_path);
        field("insecure-registries", &H::insecure_registries);
        field("default-registry", &H::default_registry);
        field("short-names", &H::short_names);
        field("registry-mirrors", &H::registry_mirrors);
        field("max-concurrent-downloads", &H::max_concurrent_downloads);
        field("max-concurrent-uploads", &H::max_concurrent_uploads);
        field("registries", &H::registries);
        field("registry-timeout", &H::registry_timeout);
        field("seccomp-profile", &H::seccomp_profile);
        field("no-new-privileges", &H::no_new_privileges);
        field("cgroup-parent", &H::cgroup_parent);
        field("cp-owner", &H::cp_owner);
        field("debug", &H::debug);
        field("log-level", &H::log_level);
    }
};

inline constexpr std::string_view default_host_config = "/etc/kist/kist.json";

/// The global options of the command line that stand above the file; a key set in both is an error, as in dockerd
/// (SEEDS A201), except --root/--runroot/--log-level, which override.
struct GlobalOptions {
    std::string config; ///< empty: default_host_config if it exists
    std::string root, runroot, storage_driver, cgroup_manager, log_level, hook_spec;
    std::vector<std::string> storage_opts;
};
/// Reads and validates: an unknown key names the nearest known one, wrong types name the place.
HostConfig load_host_config(const GlobalOptions&);
/// What the file says and the *.json files of the folder beside it (kist.json.d), in the order of their names: a key of a later
/// file replaces that of an earlier one. Each is checked. Nothing when there is no file at all.
std::optional<Value> read_host_documents(const GlobalOptions&);
/// The same checks on a document (`kist config validate`). `where` names it in errors.
HostConfig parse_host_config(std::string_view text, std::string_view where);

/// "native.umask=normal" → 0022, "native.umask=secure" → 0027; nothing when `exec_opts` does not say. Throws UsageError for
/// an unknown option or value.
std::optional<std::uint32_t> umask_of(const std::vector<std::string>& exec_opts);
/// DESIGN 11: for main, exec and health processes alike.
inline constexpr std::uint32_t default_umask = 0027;

} // namespace kist::engine
