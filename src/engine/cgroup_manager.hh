// SPDX-License-Identifier: Apache-2.0
// Who makes the control groups of containers: kist itself through cgroupfs, or systemd as scopes. A container keeps the manager
// that it was created with: its parent is a path ("/kist") or a slice ("system.slice").
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oci/run/systemd_unit.hh"
#include "storage/container_config.hh"

namespace kist::engine {

enum class CgroupManager { cgroupfs, systemd };
constexpr auto names_of(CgroupManager) {
    using M = CgroupManager;
    return std::to_array<std::pair<M, std::string_view>>({{M::cgroupfs, "cgroupfs"}, {M::systemd, "systemd"}});
}

/// Of "native.cgroupdriver=NAME" in `exec_opts`, the last one; cgroupfs without any.
CgroupManager cgroup_manager_of(const std::vector<std::string>& exec_opts);
/// True for what stands for a slice instead of a path.
bool is_slice(std::string_view cgroup_parent);
/// --cgroup-parent as it is recorded. Throws UsageError for one that is the other manager's.
std::string clean_cgroup_parent(CgroupManager, const std::string& text);
/// A container's scope; nothing when its control group is made through cgroupfs.
std::optional<oci::ScopeName> scope_of(const storage::ContainerConfig&);

} // namespace kist::engine
