// SPDX-License-Identifier: Apache-2.0
// What the systemd cgroup manager asks systemd for: names of units and their properties. Pure: nobody is asked here.
// systemd.unit(5), systemd.slice(5), systemd.resource-control(5)
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/dbus.hh"
#include "oci/run/cgroup.hh"

namespace kist::oci {

/// A container's scope and the slice that it lies in.
struct ScopeName {
    std::string slice; ///< machine.slice
    std::string unit;  ///< libpod-0123.scope
    bool operator==(const ScopeName&) const = default;
};

/// The folder of a slice: "/a.slice/a-b.slice" for "a-b.slice", nothing for the root's "-.slice". Throws Error for what is no
/// name of a slice.
std::string slice_path(const std::string& slice);
/// The scope's folder in every hierarchy.
std::string scope_path(const ScopeName&);
/// linux.cgroupsPath as engines write it for this manager, "SLICE:PREFIX:NAME"; an empty slice is system.slice, and an empty text
/// "system.slice:kist-oci:<id>". Throws Error for any other form.
ScopeName parse_scope(const std::string& cgroups_path, const std::string& id);
/// Throws Error when `unit` is not a name that a scope can have.
void check_scope_name(const std::string& unit);

/// The properties that stand for what the plan writes to v2 files, so that systemd keeps the limits when it writes these files
/// itself (daemon-reload, other units of the slice). A value that is none is left to the file, which refuses it.
std::vector<dbus::Property> limit_properties(const std::vector<CgroupWrite>&);
/// The annotations "org.systemd.property.NAME", whose values are written as GVariant text. Throws Error for one that is not.
std::vector<dbus::Property> annotated_properties(const std::map<std::string, std::string>& annotations);

} // namespace kist::oci
