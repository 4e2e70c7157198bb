// SPDX-License-Identifier: Apache-2.0
// /etc/hostname, /etc/hosts and /etc/resolv.conf of a container (SEEDS A183): text made here, bound by the runtime.
#pragma once

#include <string>

#include "base/file.hh"
#include "netns/types.hh"
#include "storage/container_config.hh"

namespace kist::engine {

/// `host_hosts`, `host_resolv`: the host's own files; pure.
std::string hosts_text(const storage::ContainerConfig&, const netns::ContainerPlan&, const std::string& host_hosts);
std::string resolv_text(const storage::ContainerConfig&, const netns::ContainerPlan&, const std::string& host_resolv);
/// The name servers of the host's /etc/resolv.conf, those on its loopback too.
std::vector<std::string> host_name_servers();

/// Into the file that a running container sees.
void write_resolv_file(const storage::ContainerConfig&, const netns::ContainerPlan&, const Dir& run_dir);
/// Writes the three files (0644) for a start; not those that another container lends.
void write_name_files(const storage::ContainerConfig&, const netns::ContainerPlan&, const Dir& run_dir);

} // namespace kist::engine
