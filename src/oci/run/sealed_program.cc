// SPDX-License-Identifier: Apache-2.0
#include "oci/run/sealed_program.hh"

#include <sys/statvfs.h>

#include "base/error.hh"
#include "oci/run/mount_api.hh"

namespace kist::oci {

Fd open_sealed_program(const std::string& path) {
    Fd program = clone_host_mount(path, Depth::one);
    change_mount(program, {.set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE}, Depth::one);
    return program;
}

bool runs_sealed() {
    struct statvfs facts {};
    if (::statvfs("/proc/self/exe", &facts) < 0) throw SysError("reading the mount of '/proc/self/exe'");
    return (facts.f_flag & ST_RDONLY) != 0;
}

} // namespace kist::oci
