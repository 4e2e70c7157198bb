// SPDX-License-Identifier: Apache-2.0
// Control groups by systemd: a container's is a transient scope, started, changed and stopped through systemd's own socket, so no
// message bus has to run. cgroup v2 alone: on v1 systemd opens a scope's devices again whenever it reloads.
// https://systemd.io/CGROUP_DELEGATION and https://systemd.io/CONTROL_GROUP_INTERFACE
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/process.hh"
#include "oci/run/cgroup.hh"
#include "oci/run/systemd_unit.hh"

namespace kist::oci {

struct ScopeOptions {
    ScopeName name;
    std::string description;
    Resources resources;
    std::vector<dbus::Property> properties = {}; ///< the user's own: they come last
};

/// A process of ours that keeps a new scope from being empty, which would be its end. The container's first process is born in the
/// scope; then the holder goes.
class ScopeHolder {
public:
    ScopeHolder(Child process, std::vector<CgroupWrite> later)
        : process_(std::move(process)), later_(std::move(later)) {}
    /// When the container's process is in the cgroup. Until then no limit on processes is in force, because the holder is none of
    /// the container's.
    void let_go(const Cgroup&);

private:
    Child process_;
    std::vector<CgroupWrite> later_;
};

/// A container's cgroup as a scope, with `holder` in it. Existing::empty: a scope of that name is what a dead container has left,
/// and is stopped first. Else it is an Error.
Cgroup start_scope(const CgroupHost&, const ScopeOptions&, Cgroup::Existing, std::optional<ScopeHolder>& holder);
/// Stops a scope and waits until its name is free. One that is not there, because its last process has ended, is no error.
void stop_scope(const std::string& unit);
/// Tells systemd what is about to be written to the cgroup's files. A scope that has ended is no error.
void update_scope(const std::string& unit, const std::vector<CgroupWrite>&);

} // namespace kist::oci
