// SPDX-License-Identifier: Apache-2.0
// Seccomp: the default profile, Docker's profile files, and the compiled filter, which is cached
// because libseccomp takes longer to compile it (several ms) than a container takes to start.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file.hh"
#include "oci/spec/runtime_spec.hh"

namespace kist::oci {

/// An array of struct sock_filter as bytes, for seccomp(SECCOMP_SET_MODE_FILTER). Empty:
/// unconfined.
using SeccompProgram = std::string;

/// Docker's profile format (archMap, includes/excludes of caps, arches and minKernel) resolved for
/// the final capability set. `where` names the document in errors.
Seccomp resolve_profile(std::string_view docker_profile_json, const std::vector<std::string>& capabilities,
                        std::string_view where);
/// The built-in profile (SECURITY section 2: moby's set, AF_ALG and AF_VSOCK blocked, ENOSYS for
/// calls unknown to the profile).
std::string_view default_profile_json();
/// SHA-256 of that text in hex, taken when kist was built.
std::string_view default_profile_hash();

/// The words of a runtime spec's profile that are understood.
struct SeccompWords {
    std::vector<std::string> actions, operators, architectures, flags;
};
SeccompWords seccomp_words();

/// SECCOMP_FILTER_FLAG_* of a profile's `flags`, and NEW_LISTENER when it notifies. Throws Error for an unknown one.
unsigned filter_flags(const Seccomp&);

/// As libseccomp writes it.
SeccompProgram translate(const Seccomp&);
/// The same made smaller (seccomp_compact.hh).
SeccompProgram compile(const Seccomp&);
/// The program for (profile text, capabilities, architecture, libseccomp version) from `cache`,
/// compiled and stored there atomically when missing or damaged. An empty profile text means the
/// built-in one.
SeccompProgram cached_program(const Dir& cache, std::string_view profile_json,
                              const std::vector<std::string>& capabilities);
/// The same for the profile of a runtime spec, in which nothing is left to resolve.
SeccompProgram cached_program(const Dir& cache, const Seccomp& profile);

} // namespace kist::oci
