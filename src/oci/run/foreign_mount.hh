// SPDX-License-Identifier: Apache-2.0
// A mount of another container: shared memory of a joined IPC namespace is a tmpfs that only that container has mounted.
#pragma once

#include <optional>
#include <string>

#include "base/fd.hh"

namespace kist::oci {

/// For "/proc/<pid>/root/<path>": a detached copy of the mount at <path> in the mount namespace of that process, made by a
/// child that enters it (open_tree copies mounts of the own namespace only). No link on the way is followed. Nothing when
/// `path` has another form. Throws SysError.
std::optional<Fd> clone_mount_of_process(const std::string& path);

} // namespace kist::oci
