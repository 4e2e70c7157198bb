// SPDX-License-Identifier: Apache-2.0
// Mending what a killed command or monitor has left: done by the next command that changes the container (DESIGN 5).
#pragma once

#include "engine/engine.hh"

namespace kist::engine {

/// The container as it is, after mending: one whose monitor was killed is adopted by a new one if it lives; if not its end
/// is recorded (an auto_remove one is removed: then NotFound). A damaged record is an Error. Takes the lock when there is
/// something to mend.
storage::ContainerView settled_view(Engine&, const ContainerId&);
/// The same for a caller who holds the lock. A damaged record is returned as it is.
storage::ContainerView settle_locked(Engine&, const ContainerId&);

/// Kills what is left in the cgroup of a container without a monitor, and removes it.
void clear_cgroup(Engine&, const storage::ContainerConfig&);

/// A little cleaning, bounded to a few dozen microseconds, for commands that make containers: finishes interrupted creates
/// and removals, and looks at a few --rm containers whose monitor may have been killed.
void sweep_some(Engine&);
/// All of it: prune, rm --all, container cleanup --all, system check. Returns the ids of what it removed.
std::vector<std::string> sweep_all(Engine&);

} // namespace kist::engine
