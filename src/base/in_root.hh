// SPDX-License-Identifier: Apache-2.0
// Paths inside a container's root, a volume, a build context or an image: trees whose owner is not trusted (SECURITY P1).
// Every access goes through openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS): links are followed as the container would,
// and can never lead out. A string path is never checked first and used later.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/fd.hh"

namespace kist {

/// Opens `path` as a process chrooted to `root` would. Throws SysError naming the path as seen inside.
/// `flags` get O_CLOEXEC added. EAGAIN of openat2 (a rename raced with the walk) is retried.
Fd open_in_root(const Fd& root, std::string_view path, int flags, mode_t mode = 0);
/// The same, or nothing on ENOENT and ENOTDIR.
std::optional<Fd> open_in_root_if_exists(const Fd& root, std::string_view path, int flags);

/// Opens the folder `path`, making what is missing with `mode` (0755), one component at a time, each made below an open
/// descriptor; links on the way are followed inside the root. What exists keeps its mode.
Fd make_dirs_in_root(const Fd& root, std::string_view path, mode_t mode = 0755);
/// Opens (O_PATH) the regular file `path`, making it empty and its folders where missing: a target for a file bind mount.
Fd make_file_in_root(const Fd& root, std::string_view path, mode_t mode = 0644);

/// Reads a small regular file of an untrusted tree: opened O_NONBLOCK | O_NOCTTY, must be regular, at most `limit` bytes
/// (else Error). Nothing when it does not exist. A FIFO or device never blocks us (P23).
std::optional<std::string> read_in_root(const Fd& root, std::string_view path, std::size_t limit);

/// Lexical clean-up of an absolute or relative in-container path: "/a//b/./c/.." gives "/a/b". ".." never climbs above "/".
std::string clean_path(std::string_view path);

} // namespace kist
