// SPDX-License-Identifier: Apache-2.0
// "tmpcopyup": a tmpfs that starts with the content of the folder it covers.
#pragma once

#include "base/fd.hh"

namespace kist::oci {

/// Copies folders, regular files and links with owner, mode and times; the tree is the image's, so nothing is followed, and
/// sockets, FIFOs and devices are left out. Throws SysError naming the entry.
void copy_up(const Fd& from, const Fd& to);

} // namespace kist::oci
