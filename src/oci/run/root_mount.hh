// SPDX-License-Identifier: Apache-2.0
// The container's root file system itself: mounted, and finally entered, inside its own mount namespace.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.hh"
#include "oci/spec/root_mount.hh"

namespace kist::oci {

/// For a container with a user namespace, in its maker: the root as a detached mount, with mapped ids when `user_namespace` is
/// given.
Fd prepare_root(const RootMount& root, const Fd* user_namespace);

/// Runs in the new mount namespace, before mount_root(): our root must be that of the namespace. In a chroot pivot_root(2) succeeds,
/// and leaves the host's tree around the container's: who enters the container's namespace gets the host's root (setns(2)), and
/// who may chroot in there walks out.
void check_own_root();

/// Runs in the new mount namespace. Cuts the copied host mounts off as `host_propagation` says (MS_PRIVATE, MS_SLAVE, 0),
/// mounts the root and attaches it on top of "/", where nothing looks before enter_root(). The descriptor is its mount.
/// `prepared`: the result of prepare_root(), or an empty one.
Fd mount_root(const RootMount& root, Fd prepared, std::uint64_t host_propagation);
inline Fd mount_root(const RootMount& root, std::uint64_t host_propagation) {
    return mount_root(root, Fd(), host_propagation);
}

/// pivot: pivot_root(2), the host's mounts are gone from this namespace afterwards. move: for a host root that cannot be
/// pivoted; the new root is moved over it, where the old one stays mounted but out of reach of any path.
enum class RootSwitch { pivot, move };
/// "/" and the working directory are the root afterwards.
void enter_root(const Fd& root, RootSwitch how, std::uint64_t host_propagation, std::uint64_t root_propagation);

} // namespace kist::oci
