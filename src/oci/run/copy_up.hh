// SPDX-License-Identifier: Apache-2.0
// "tmpcopyup" and new volumes: they start with the content of the folder that they cover.
#pragma once

#include "base/fd.hh"

namespace kist::oci {

/// Copies folders, regular files, links and FIFOs with owner, mode, times and attributes; the tree is the image's, so nothing is
/// followed, and sockets and devices are left out. Throws SysError naming the entry.
void copy_up(const Fd& from, const Fd& to);

} // namespace kist::oci
