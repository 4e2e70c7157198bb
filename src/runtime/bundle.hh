// SPDX-License-Identifier: Apache-2.0
// From a bundle's config.json to what src/oci/run carries out.
#pragma once

#include <string>
#include <vector>

#include "oci/spec/root_mount.hh"
#include "oci/spec/runtime_spec.hh"

namespace kist::runtime {

struct Bundle {
    std::string path; ///< absolute
    oci::Spec spec;
    oci::RootMount root;
};

/// Reads <path>/config.json and completes it: relative paths become absolute, the device rules that every container needs
/// are added. Throws Error "<path>/config.json: linux.resources.memory.limit: …".
Bundle read_bundle(const std::string& path);

/// A process document (`exec --process`). Throws as read_bundle.
oci::Process read_process(const std::string& path);

/// linux.cgroupsPath as a path below every hierarchy; "/kist-oci/<id>" when there is none.
std::string cgroup_path(const oci::Spec& spec, const std::string& id);

/// What `spec` prints: a container with a shell.
oci::Spec example_spec();

/// `path` from the working directory when it is relative; nothing is resolved.
std::string absolute_path(const std::string& path);

} // namespace kist::runtime
