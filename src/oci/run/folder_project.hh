// SPDX-License-Identifier: Apache-2.0
// The quota project of a folder. Apart, because <linux/fs.h> and <sys/mount.h> do not go together.
#pragma once

#include "base/fd.hh"

namespace kist::oci {

/// A folder with a size limit hands it on to the one that takes its place, before anything is in it.
void take_project(const Fd& copy, const Fd& data);

} // namespace kist::oci
