// SPDX-License-Identifier: Apache-2.0
// How the kernel schedules a container's process: policy, I/O priority, processors, execution domain.
#pragma once

#include <string>

#include "oci/spec/runtime_spec.hh"

namespace kist::oci {

/// Throws Error naming the member that is malformed ("process.scheduler.policy: …"). Pure.
void check_scheduling(const Process&);
void check_personality(const Personality&);

/// In the process itself, while it has its privileges.
void set_scheduling(const Process&);
/// `list` as "0-3,7"; nothing when empty.
void set_cpu_affinity(const std::string& list);
void set_personality(const Personality&);

} // namespace kist::oci
