// SPDX-License-Identifier: Apache-2.0
// Kernel parameters of a container: only those that belong to one of its own namespaces, never the host's.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "oci/run/namespaces.hh"

namespace kist::oci {

struct SysctlWrite {
    std::string path; ///< below /proc/sys
    std::string value;
    bool operator==(const SysctlWrite&) const = default;
};

/// Names as "net.ipv4.ip_forward" or with slashes (an interface name may hold a dot). Throws Error for a malformed name or
/// value, and for a parameter that is not the container's own.
std::vector<SysctlWrite> plan_sysctls(const std::map<std::string, std::string>& wanted, const NamespacePlan&);

/// Called in the container's namespaces but before its root is entered: through the host's procfs, checked to be one.
void write_sysctls(const std::vector<SysctlWrite>& writes);

} // namespace kist::oci
