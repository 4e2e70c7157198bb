// SPDX-License-Identifier: Apache-2.0
// Which of the host's user and group ids containers with a user namespace get.
#pragma once

#include <string>
#include <vector>

#include "engine/create_parts.hh"
#include "engine/engine.hh"
#include "oci/spec/runtime_spec.hh"

namespace kist::engine {

/// "CONTAINER:HOST:SIZE" as of --uidmap. Throws UsageError.
oci::IdMapping parse_id_mapping(std::string_view option, const std::string& text);

/// The ranges of `name` in /etc/subuid or /etc/subgid, one after the other from the container's id 0 on. Throws Error when there
/// are none.
std::vector<oci::IdMapping> subordinate_ids(const std::string& file, const std::string& name);
/// The same from the file's text.
std::vector<oci::IdMapping> parse_subordinate_ids(std::string_view text, const std::string& name);

/// `size` ids that no other container has: a lease named after the range and holding the container's id.
TakenIds take_ids(Engine& engine, const std::string& container_id, std::uint32_t size);
/// When the container goes. Leases that are not given back are taken over later.
void give_back_ids(Engine& engine, const std::vector<oci::IdMapping>& uids, const std::string& container_id);

} // namespace kist::engine
