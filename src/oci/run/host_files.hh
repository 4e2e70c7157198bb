// SPDX-License-Identifier: Apache-2.0
// What a container gets of the host's tree, opened by its maker as detached mounts: a process in a user namespace may neither
// look at all of the host's folders nor make device nodes, and only the host's root may map a mount's ids.
#pragma once

#include <vector>

#include "base/fd.hh"
#include "oci/run/mount_plan.hh"
#include "oci/run/mount_steps.hh"
#include "oci/run/user_namespace.hh"
#include "oci/spec/root_mount.hh"

namespace kist::oci {

/// An empty descriptor (or list): taken from its path when it is mounted.
struct HostFiles {
    Fd root;
    std::vector<Fd> binds;   ///< by mount step
    std::vector<Fd> devices; ///< by node of the device plan
    std::vector<Fd> cgroups; ///< by hierarchy of the view, or the one v2 folder
    Fd null;
    EarlyMounts early;
};

/// In the maker. `user_namespace`: the container has one of its own with these maps; else only idmapped mounts are opened.
struct HostFilesWanted {
    const RootMount& root;
    const RootPlan& plan;
    const CgroupView& cgroup;
    bool user_namespace = false;
    const IdMap& uids;
    const IdMap& gids;
    /// Of a joined user namespace, in place of maps; or empty.
    const Fd* joined = nullptr;
};
HostFiles open_host_files(const HostFilesWanted&);

} // namespace kist::oci
