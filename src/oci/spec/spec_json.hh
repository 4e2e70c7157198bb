// SPDX-License-Identifier: Apache-2.0
// config.json of a bundle as text, so that the templates that read and write its structs are instantiated once.
#pragma once

#include <string>
#include <string_view>

#include "oci/spec/runtime_spec.hh"

namespace kist::oci {

/// `where` names the document in errors. Refuses a spec of another major version.
Spec parse_spec(std::string_view text, std::string_view where);
/// One line; members with their default value are left out.
std::string dump_spec(const Spec&);

} // namespace kist::oci
