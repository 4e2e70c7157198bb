// SPDX-License-Identifier: Apache-2.0
// Copies for the vfs driver.
#pragma once

#include "base/file.hh"

namespace kist::storage {

/// Puts a layer's diff/ on top of `root`: whiteouts and opaque folders take away, everything else is copied with owner, mode,
/// times, attributes and hard links; contents by reflink where the file system can. Follows no link.
void apply_layer(const Dir& diff, const Dir& root);

} // namespace kist::storage
