// SPDX-License-Identifier: Apache-2.0
// What kist-unpack gives up before it looks at the first byte of an archive.
#pragma once

#include "base/fd.hh"

namespace kist::unpack {

enum class Writes { no, yes };

/// Makes `folder` the root of this process, then drops every privilege but those that unpacking files needs (Writes::no: all),
/// and allows only the system calls that reading, hashing and writing files take. Must run while there is one thread.
/// Throws when any part fails: nothing is unpacked by a process that is less confined than it should be (SECURITY P19).
void confine(const Fd& folder, Writes);

} // namespace kist::unpack
