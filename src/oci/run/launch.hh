// SPDX-License-Identifier: Apache-2.0
// The last part of a container's process, the same for its first one and for exec: from "inside the container's namespaces
// and root" to the program.
#pragma once

#include "base/fd.hh"
#include "oci/run/container.hh"
#include "oci/run/devices.hh"
#include "oci/spec/runtime_spec.hh"

namespace kist::oci {

/// First steps of the process: nobody may trace it or open its descriptors, it leads its own session, signals are default.
void begin_process(const LaunchOptions& options);

/// The user, groups and HOME that the process will have. `root` is the container's.
void resolve_identity(Process& process, const Fd& root, const LaunchOptions& options);

/// Becomes the program: limits, descriptors, ids, working directory, then "ready", and on "go" confinement and exec.
/// Returns only by an exception.
void run_process(const Process& process, const LaunchOptions& options, const Fd& channel, Terminal terminal);

} // namespace kist::oci
