// SPDX-License-Identifier: Apache-2.0
// Who the container's process is and what it may do: limits, ids, groups, capabilities, seccomp. Everything here runs in
// that process itself, on its way to exec.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "oci/run/seccomp.hh"
#include "oci/spec/runtime_spec.hh"

namespace kist::oci {

/// As "RLIMIT_NOFILE".
bool is_rlimit(std::string_view name);
/// `clamp`: the limits that may be lowered to what the host allows (defaults of ours). Others that cannot be had are errors.
/// `pid`: of another process, or 0 for this one.
void set_rlimits(const std::vector<Rlimit>& limits, const std::vector<std::string>& clamp, pid_t pid = 0);

/// The host's /proc is still at its place. Throws SysError.
void set_oom_score(int value, pid_t pid = 0);
/// LSM label for the next exec. Throws SysError when the host has no such module (P19: a label that cannot be had is an error).
void set_exec_label(const std::string& apparmor_profile, const std::string& selinux_label);

/// Bounding set, groups and ids; the capabilities stay usable until confine(), which needs CAP_SYS_ADMIN for a filter
/// without no_new_privs.
void become_user(const User& user, const Capabilities& capabilities);

/// The last step before exec: no_new_privs, seccomp, final capabilities. After it, little else may be a permitted call.
/// `filtered` runs when the filter is in place.
void confine(const Process& process, const SeccompProgram& filter, unsigned filter_flags,
             const std::function<void()>& filtered);

} // namespace kist::oci
