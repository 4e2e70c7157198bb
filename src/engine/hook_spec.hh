// SPDX-License-Identifier: Apache-2.0
// Hook files: --hook-spec of create and run, and "hook-spec" of kist.json for all containers.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "oci/spec/hooks.hh"

namespace kist::engine {

using Warn = std::function<void(const std::string&)>;

/// No hook runs longer than this many seconds, whatever the file says.
inline constexpr int longest_hook = 120;

/// Path, args and env must be there; a timeout is a whole number of seconds from 1 on. Unknown keys are warned of. `where` names
/// the file in errors. Pure: no hook is looked at.
oci::Hooks parse_hook_spec(std::string_view text, const std::string& where, const Warn& warn);
/// Reads the file, which must have an absolute path, and checks each hook: an executable file below `folder`. startContainer hooks
/// are programs of the container: they are found when it starts.
oci::Hooks load_hook_spec(const std::string& path, const std::string& folder, const Warn& warn);
/// First those of `host`, then the container's own, for each kind.
oci::Hooks join_hooks(const oci::Hooks& host, const oci::Hooks& own);

/// Where hooks must lie.
std::string hooks_folder(const std::string& data_root);

/// A hook that calls kist for its own container would wait for itself: throws Error when this process is one of `id`.
void check_not_in_hook(const std::string& id);

} // namespace kist::engine
