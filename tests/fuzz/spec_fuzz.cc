// SPDX-License-Identifier: Apache-2.0
// A bundle's config.json, up to everything that is decided before a container exists.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.hh"
#include "oci/run/check_spec.hh"
#include "oci/spec/spec_json.hh"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kist::oci;
    static const CgroupHost hosts[] = {
        CgroupHost::parse("1 0 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
        CgroupHost::parse(
            "1 0 0:1 / /c/memory rw - cgroup cgroup rw,memory\n2 0 0:2 / /c/devices rw - cgroup cgroup rw,devices\n"),
    };
    try {
        const Spec spec = parse_spec({reinterpret_cast<const char*>(data), size}, "config.json");
        for (const CgroupHost& host : hosts) {
            try {
                check_spec(spec, host, "config.json");
            } catch (const kist::Error&) {
            }
        }
        (void)parse_spec(dump_spec(spec), "again");
    } catch (const kist::Error&) {
    }
    return 0;
}
