// SPDX-License-Identifier: Apache-2.0
// Folders on top of each other: overlayfs, by descriptors.
#pragma once

#include <string>

#include "base/fd.hh"
#include "oci/spec/root_mount.hh"

namespace kist::oci {

/// As a detached mount where the kernel can (6.13), with its flags; else nothing, and it is mounted at `place`, a path of this
/// process (/proc/self/fd/N), as the caller's to open. Layers have to lie in mounts of the caller's mount namespace.
Fd make_overlay(const RootMount& root, const std::string& place);
/// What make_overlay() has mounted, with its flags. `path` has to lead through the mount: "/proc/self/fd/N/." ends below it.
Fd open_overlay(const RootMount& root, const std::string& path);

/// A detached mount on any kernel, made by a process with a mount namespace of its own. With `user_namespace` the files' ids are
/// shown as that maps them, which needs Linux 5.19; the upper layer has the ids of the layers below, so that it can become one.
/// For a process with the host's users.
Fd make_overlay_apart(const RootMount& root, const Fd* user_namespace);

} // namespace kist::oci
