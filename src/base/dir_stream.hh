// SPDX-License-Identifier: Apache-2.0
// readdir's stream, closed with its scope.
#pragma once

#include <memory>

#include <dirent.h>

namespace kist {

struct CloseDirStream {
    void operator()(DIR* stream) const { ::closedir(stream); }
};
/// Owns the descriptor that it was made of.
using DirStream = std::unique_ptr<DIR, CloseDirStream>;

} // namespace kist
