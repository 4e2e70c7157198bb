// SPDX-License-Identifier: Apache-2.0
// The interpreters of create's options, one topic a file: each checks what the user wrote and fills its part of the record.
// They read the host (a device, a label file) but change nothing.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/create_options.hh"
#include "engine/host_config.hh"
#include "storage/container_store.hh"
#include "storage/image_store.hh"
#include "storage/network_store.hh"
#include "storage/volume_store.hh"

namespace kist::engine {

struct CreateInput {
    const CreateOptions& options;
    const HostConfig& host;
    const storage::ImageRecord& image;
    const std::function<void(const std::string&)>& warn;
    /// For container:NAME modes. Throws NotFound.
    std::function<storage::ContainerView(const std::string&)> find_container;
    /// For mounts of type image. Throws NotFound.
    std::function<storage::ImageRecord(const std::string&)> find_image;
    /// What interpret_mounts wants to exist before a start.
    std::vector<storage::VolumeRecord>& new_volumes;
    /// By name or ID. Throws NotFound.
    std::function<storage::NetworkConfig(const std::string&)> find_network;
};

void interpret_process(const CreateInput&, storage::ContainerConfig&); // create_process.cc
// create_supervision.cc: restart policy, health check
void interpret_supervision(const CreateInput&, storage::ContainerConfig&);
// create_mounts.cc; after interpret_namespaces. `driver`: the store's.
void interpret_storage(const CreateInput&, storage::ContainerConfig&, const std::string& driver);
void interpret_labels(const CreateInput&, storage::ContainerConfig&);     // create_env.cc
void interpret_namespaces(const CreateInput&, storage::ContainerConfig&); // create_namespaces.cc
/// Maps that --userns auto asks for are taken by `take_ids` (its argument: how many).
struct TakenIds {
    std::vector<oci::IdMapping> uids, gids;
};
void interpret_user_namespace(const CreateInput&, storage::ContainerConfig&,
                              const std::function<TakenIds(std::uint32_t)>& take_ids); // create_user_namespace.cc
// create_networks.cc: after the namespaces
/// --link NAME[:ALIAS]: alias and full id of each.
std::map<std::string, std::string> parse_links(const std::vector<std::string>& texts,
                                               const std::function<storage::ContainerView(const std::string&)>& find);
void interpret_networks(const CreateInput&, storage::ContainerConfig&);
/// What was asked of one network: addresses that lie in it and are not the gateway's, names. Throws UsageError. Normalises.
void check_network_choice(storage::NetworkChoice&, const storage::NetworkConfig&);
void interpret_ports(const CreateInput&, storage::ContainerConfig&); // create_ports.cc: after the networks
// create_namespaces.cc: hostname, DNS, hosts
void interpret_names(const CreateInput&, storage::ContainerConfig&);
void interpret_mounts(const CreateInput&, storage::ContainerConfig&);    // create_mounts.cc
void interpret_devices(const CreateInput&, storage::ContainerConfig&);   // create_devices.cc
void interpret_security(const CreateInput&, storage::ContainerConfig&);  // create_security.cc
void interpret_resources(const CreateInput&, storage::ContainerConfig&); // create_resources.cc
// create_limits.cc: ulimits, sysctls, log options
void interpret_limits(const CreateInput&, storage::ContainerConfig&);

void interpret_hooks(const CreateInput&, storage::ContainerConfig&); // create_hooks.cc

/// `base` overridden by the lines of `files` and then by `options` ("K=V", "K" from our own environment, "K*"); the order
/// of first appearance is kept. Also for exec.
std::vector<std::string> merge_env(std::vector<std::string> base, const std::vector<std::string>& files,
                                   const std::vector<std::string>& options);
/// The value of `name` in a list of "K=V".
std::optional<std::string> env_value(const std::vector<std::string>& env, std::string_view name);

/// "[IP:][HOST[-END]:]CONTAINER[-END][/PROTOCOL]"; a range that leads to chosen ports becomes one mapping for each. Throws UsageError.
std::vector<netns::PortMapping> parse_port(const std::string& text);
/// "80", "80/tcp", "5000-5010/udp"
netns::PortMapping parse_exposed(const std::string& text);

/// "--mount" and friends: fields separated by commas, quoted as in CSV. Throws UsageError.
std::vector<std::string> split_csv(std::string_view text);

/// "no", "on-failure[:n]", "always" or "unless-stopped"; "" is "no". Throws UsageError. Also for update.
storage::RestartPolicy parse_restart_policy(const std::string& text);

/// `base` (the image's, or the record's) with what the options change; nothing: no health check. Throws UsageError.
std::optional<storage::HealthCheck> plan_health(std::optional<storage::HealthCheck> base, const HealthOptions&);
/// The image's HEALTHCHECK; nothing for none and NONE. Throws Error for one that makes no sense.
std::optional<storage::HealthCheck> image_health(const storage::ImageRecord&);

/// The instruction HEALTHCHECK [--interval=…] CMD … | NONE, as the image's configuration has it. Throws UsageError.
oci::HealthConfig parse_healthcheck(const std::string& text);

/// The limits that were given, over those in the record. Checked by check_resources().
void set_limits(const LimitOptions&, storage::ResourceConfig&);

/// What masked and read-only paths a container has that asks for nothing (SECURITY section 2).
std::vector<std::string> default_masked_paths();
/// What the record says or, where it says nothing, the defaults.
std::vector<std::string> capabilities_of(const storage::SecurityConfig&);
std::vector<std::string> masked_paths_of(const storage::SecurityConfig&);
std::vector<std::string> readonly_paths_of(const storage::SecurityConfig&);
std::vector<std::string> default_readonly_paths();

/// Limits and sysctls that may be set, checked in one place for create and update.
void check_resources(const storage::ResourceConfig&, const std::function<void(const std::string&)>& warn);

} // namespace kist::engine
