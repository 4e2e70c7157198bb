// SPDX-License-Identifier: Apache-2.0
// The few file operations on a mounted cgroup hierarchy that all of the cgroup code is made of. The
// folders belong to the host's root alone, so plain paths are safe here. Not for use outside
// cgroup*.cc.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/fd.hh"

namespace kist::oci::cgroup_files {

using Deadline = std::chrono::steady_clock::time_point;

/// 0 or the errno of opening or writing.
int try_write(const std::string& file, std::string_view value);
/// Throws SysError "writing '<value>' to '<file>'".
void write(const std::string& file, std::string_view value);
/// Nothing when it does not exist or its folder was removed meanwhile (ENOENT, ENODEV).
std::optional<std::string> read(const std::string& file);
/// True when `name value` is a line of a flat keyed file such as cgroup.events.
bool has_line(std::string_view text, std::string_view line);

/// take: as keep, but with processes in it, it is an Error.
enum class IfExists { keep, empty_it, take };
/// Makes mount + path with its parents. `init_cpuset`: a v1 cpuset folder takes nobody before cpus
/// and mems are set, so each level copies them from its parent.
void make_folder(const std::string& mount, const std::string& path, IfExists, bool init_cpuset);
/// rmdir with everything below, waiting for dying members until `deadline`. False when still busy.
bool remove_folder(const std::string& folder, Deadline deadline);
/// Processes in this folder and below it.
std::vector<pid_t> members(const std::string& folder);
/// SIGKILL to all members without cgroup.kill; returns when none is left or at `deadline`.
void signal_members_until_empty(const std::string& folder, Deadline deadline);
/// v2 takes no process into a folder that gives controllers to the folders below it (systemd, Docker or k3s in a container do that).
/// Then the one below mount + path that `member` is in; empty when mount + path itself takes processes.
Fd open_folder_with(const std::string& mount, const std::string& path, pid_t member);
/// Waits for `line` in the v2 file cgroup.events. False when `deadline` passed.
bool wait_for_event(const std::string& folder, std::string_view line, Deadline deadline);

} // namespace kist::oci::cgroup_files
