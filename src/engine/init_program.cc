// SPDX-License-Identifier: Apache-2.0
#include "engine/init_program.hh"

#include <array>

#include <unistd.h>

#include "base/error.hh"

namespace kist::engine {

std::string find_init_program(const HostConfig& host) {
    if (!host.init_path.empty()) {
        if (access(host.init_path.c_str(), X_OK) != 0)
            throw SysError("looking for the init program '{}'", host.init_path);
        return host.init_path;
    }
    constexpr auto places =
        std::to_array<const char*>({"/usr/bin/catatonit", "/usr/libexec/podman/catatonit",
                                    "/usr/libexec/catatonit/catatonit", "/usr/local/bin/catatonit"});
    for (const char* path : places)
        if (access(path, X_OK) == 0) return path;
    throw Error("--init needs the program catatonit, which is not on this host")
        .with_hint("install the package catatonit, or name another init by \"init-path\" in kist.json");
}

} // namespace kist::engine
