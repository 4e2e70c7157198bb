// SPDX-License-Identifier: Apache-2.0
// Everything about a runtime spec that can be seen to be wrong before anything is made.
#pragma once

#include <string_view>

#include "oci/run/cgroup.hh"
#include "oci/spec/runtime_spec.hh"

namespace kist::oci {

/// Throws Error "<where>: <member>: …", or "<where>: mounting '/x': …" where a member has a name of its own. Pure.
void check_spec(const Spec&, const CgroupHost&, std::string_view where);
/// Of a further process.
void check_process(const Process&);

} // namespace kist::oci
