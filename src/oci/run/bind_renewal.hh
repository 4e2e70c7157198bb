// SPDX-License-Identifier: Apache-2.0
// A bind of a single file shows the file that was there when it was made. Who replaces files by renaming new ones over them, as
// editors do, leaves the container with the old one, unless whoever holds the container puts the new one in its place.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "base/fd.hh"
#include "oci/run/mount_plan.hh"

namespace kist::oci {

/// The binds with "kist.follow".
std::vector<MountStep> followed_binds(const Spec&);

/// Lets a container that runs (`init`: a pidfd of its first process) see the file that the step's source is now, if that is another
/// one than it sees. Without a moment in which there is none, on Linux 6.5 and newer. Throws Error:
/// the container has something else there by now, the source is no file any more.
/// For a single-threaded process: a child of it enters the container's mount namespace.
struct Renewal {
    bool was_other = false;
    dev_t device = 0; ///< of the file that it sees now; nobody else has its number while it does
    ino_t inode = 0;
};
Renewal renew_bind(const MountStep& step, const Fd& init, pid_t pid);

} // namespace kist::oci
