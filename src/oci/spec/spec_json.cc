// SPDX-License-Identifier: Apache-2.0
#include "oci/spec/spec_json.hh"

#include "base/error.hh"
#include "base/json.hh"

namespace kist::oci {

Spec parse_spec(std::string_view text, std::string_view where) {
    Spec spec = from_value<Spec>(json::parse(text, where), where);
    if (!spec.oci_version.starts_with("1.")) throw Error("{}: ociVersion '{}' is not supported (1.x is)", where, spec.oci_version);
    return spec;
}

std::string dump_spec(const Spec& spec) { return json::dump(to_value(spec)); }

} // namespace kist::oci
