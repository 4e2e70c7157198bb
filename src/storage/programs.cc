// SPDX-License-Identifier: Apache-2.0
// Finds kist's other programs by where the running one is.
#include "storage/programs.hh"

#include <array>

#include <unistd.h>

#include "base/error.hh"
#include "base/process.hh"

namespace kist::storage {

std::string program_path(const std::string& name) {
    const std::string self = own_program();
    const std::string folder = self.substr(0, self.rfind('/'));
    const std::string short_name = name.starts_with("kist-") ? name.substr(5) : name;
    const std::array<std::string, 4> candidates{
        folder + "/../libexec/kist/" + name,
        folder + "/" + name,
        folder + "/../" + short_name + "/" + name,
        KIST_LIBEXECDIR "/" + name,
    };
    for (const std::string& path : candidates)
        if (::access(path.c_str(), X_OK) == 0) return path;
    throw Error("finding program '{}': it is neither below '{}' nor in '{}'", name, folder, KIST_LIBEXECDIR)
        .with_hint("kist is not installed completely");
}

} // namespace kist::storage
