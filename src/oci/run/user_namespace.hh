// SPDX-License-Identifier: Apache-2.0
// User namespaces: maps of ids, and being somebody in one. Its makers are root on the host; a process in it is not, so all
// that needs the host's root is prepared outside (host_files.hh).
#pragma once

#include <vector>

#include "base/fd.hh"
#include "oci/spec/runtime_spec.hh"

namespace kist::oci {

using IdMap = std::vector<IdMapping>;

/// Throws Error naming `where` ("linux.uidMappings") when ranges are empty, overlap or leave the container without a root.
void check_id_map(const IdMap&, std::string_view where);
void check_ranges(const IdMap&, std::string_view where);

/// The maps of the new namespace that process `pid` is in; once only.
void write_id_maps(pid_t pid, const IdMap& uids, const IdMap& gids);
/// A user namespace with these maps and no process: for idmapped mounts.
Fd make_user_namespace(const IdMap& uids, const IdMap& gids);

/// In the process: user and group 0 of its namespace, no other group.
void become_namespace_root();

/// True when process `pid` is in another namespace of this kind ("user", "time") than we are.
bool is_in_other_namespace(pid_t pid, const char* kind);

} // namespace kist::oci
