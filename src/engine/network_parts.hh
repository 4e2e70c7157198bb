// SPDX-License-Identifier: Apache-2.0
// What the use cases on networks ask of networks and containers.
#pragma once

#include <string>

#include "engine/networks.hh"

namespace kist::engine {

inline bool is_default(const storage::NetworkConfig& config) { return config.name == default_network_name; }

inline bool is_running(const storage::ContainerView& view) { return view.monitor_alive || view.state.pid != 0; }

/// In a container's run folder while it takes addresses and has not written down which.
inline constexpr const char* leasing_mark = "leasing";

/// By which others of the network find the container.
std::vector<std::string> lease_names(const storage::ContainerConfig&, const storage::NetworkChoice&);
/// Whom to ask what its networks do not know: --dns, else the networks' own servers, else the host's.
std::vector<std::string> name_servers_of(Engine&, const storage::ContainerConfig&, const netns::ContainerPlan&);

/// Nothing when the container is not in that network now.
inline const netns::Attachment* attachment_to(const storage::ContainerView& view, const std::string& network) {
    for (const netns::Attachment& attachment : view.state.network.attachments)
        if (attachment.network.name == network) return &attachment;
    return nullptr;
}

} // namespace kist::engine
