// SPDX-License-Identifier: Apache-2.0
#include "oci/spec/spec_json.hh"

#include <array>

#include "base/error.hh"
#include "base/json.hh"
#include "base/text.hh"

namespace kist::oci {

namespace {

struct Refused {
    std::string_view path;
    std::string_view reason;
};
/// Members that change what a container is and that are not carried out. Anything else that is unknown is ignored, as the
/// specification wants it.
constexpr auto refused = std::to_array<Refused>({
    {"vm", "this runtime makes no virtual machines"},
    {"solaris", "this is a runtime for Linux"},
    {"windows", "this is a runtime for Linux"},
    {"zos", "this is a runtime for Linux"},
    {"freebsd", "this is a runtime for Linux"},
    {"process.commandLine", "this is a runtime for Linux"},
    {"linux.intelRdt", "Intel RDT is not supported"},
    {"linux.memoryPolicy", "memory policies are not supported"},
    {"linux.netDevices", "moving network devices is not supported"},
    {"linux.resources.memory.kernel", "kernels have no such limit any more"},
});

void refuse_members(const Value& document, std::string_view where) {
    for (const Refused& member : refused) {
        const Value* value = &document;
        for (const std::string& name : split(member.path, '.'))
            if (value != nullptr) value = value->find(name);
        if (value != nullptr && !value->is_null()) throw Error("{}: {}: {}", where, member.path, member.reason);
    }
}

} // namespace

Spec parse_spec(std::string_view text, std::string_view where) {
    const Value document = json::parse(text, where);
    Spec spec = from_value<Spec>(document, where);
    if (!spec.oci_version.starts_with("1."))
        throw Error("{}: ociVersion: '{}' is not supported (1.x is)", where, printable(spec.oci_version));
    refuse_members(document, where);
    return spec;
}

std::string dump_spec(const Spec& spec) { return json::dump(to_value(spec)); }

} // namespace kist::oci
