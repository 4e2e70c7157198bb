// SPDX-License-Identifier: Apache-2.0
// Where kist's other programs are. They come from the tree that the running program came from, so that a build folder,
// /usr/local and a distribution's kist never start each other's parts; no environment variable has a say.
#pragma once

#include <string>

namespace kist::storage {

/// Absolute path of "kist-unpack", "kist-monitor", …: beside the running program, in ../libexec/kist, in the build folder's
/// ../<name without "kist-">/, or in the libexec folder kist was configured for. Throws Error when it is in none of them.
std::string program_path(const std::string& name);

} // namespace kist::storage
