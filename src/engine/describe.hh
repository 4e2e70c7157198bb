// SPDX-License-Identifier: Apache-2.0
// The words that ps, inspect and filters have in common.
#pragma once

#include <string>

#include "engine/engine.hh"

namespace kist::engine {

/// "created", "running", "paused", "exited", "removing", "dead"; a stopping container runs.
std::string state_word(const storage::ContainerView&);
/// Docker's STATUS: "Up 10 seconds", "Up 3 hours (Paused)", "Exited (0) 3 seconds ago", "Created", "Removal In Progress".
std::string status_text(const storage::ContainerView&);
/// The command line as one text.
std::string command_text(const storage::ContainerConfig&);

struct DiskUse {
    std::int64_t own = 0;   ///< bytes of the upper layer
    std::int64_t image = 0; ///< bytes of the image's layers
};
/// Walks the upper layer: slow, only when asked for.
DiskUse disk_use(Engine&, const storage::ContainerConfig&);

/// Bytes of the files below a folder that others may change meanwhile; follows nothing.
std::int64_t tree_size(const Dir&);
/// "0.0.0.0:8080->80/tcp, 443/tcp" of a running container.
std::string ports_text(const storage::ContainerView&);
/// "bridge", "web,db", "none"
std::string networks_text(const storage::ContainerConfig&);

} // namespace kist::engine
