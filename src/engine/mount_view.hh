// SPDX-License-Identifier: Apache-2.0
// mount and image mount: a container's or image's files at a path of the host, for one command and what it starts. The mount
// is in a mount namespace of theirs and ends with them: there is nothing to unmount, and nothing that a crash could leave
// mounted (DESIGN section 1).
#pragma once

#include <string>
#include <vector>

#include "engine/engine.hh"

namespace kist::engine {

/// Runs `command` (empty: the user's shell) in the mounted folder, whose path is in its environment as KIST_MOUNT. Its exit
/// code; 127 when it does not exist, 126 when it cannot be executed.
int run_with_container(Engine&, const ContainerId&, const std::vector<std::string>& command);
/// The same with all layers of an image, read-only.
int run_with_image(Engine&, const storage::ImageRecord&, const std::vector<std::string>& command);

} // namespace kist::engine
