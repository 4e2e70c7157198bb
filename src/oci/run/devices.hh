// SPDX-License-Identifier: Apache-2.0
// Device nodes and links of a container's /dev, and the console of its terminal.
#pragma once

#include <optional>

#include "base/fd.hh"
#include "oci/run/mount_plan.hh"

namespace kist::oci {

/// Expects umask 0. `bound`: by node, the host's to bind in place of making one; may be empty.
void make_devices(const Fd& root, const DevicePlan& plan, const std::vector<Fd>& bound);

struct Terminal {
    Fd master;
    Fd slave;
};
/// A new pty of the devpts at /dev/pts of `root`, checked to be one; the slave comes from the master itself (TIOCGPTPEER),
/// so no path of the container is trusted (CVE-2025-52565).
Terminal open_terminal(const Fd& root, const std::optional<Box>& size);
/// Binds the slave on /dev/console.
void make_console(const Fd& root, const Terminal&);

} // namespace kist::oci
