// SPDX-License-Identifier: Apache-2.0
// Controllers of the v2 tree: which ones a container's folder needs, and how it gets them.
#pragma once

#include <string>
#include <vector>

#include "oci/run/cgroup.hh"

namespace kist::oci {

/// Those that a container's folder should have: for limits and for statistics.
std::vector<std::string> controllers_for(const CgroupHost&, const Resources&);
/// A folder has a controller when every folder above lets it through. Best effort: where a parent
/// refuses (it has processes of its own: "no internal process" rule), a limit that needs the
/// controller fails by itself and says so.
void enable_controllers(const CgroupHost&, const std::string& path, const std::vector<std::string>& wanted);

} // namespace kist::oci
