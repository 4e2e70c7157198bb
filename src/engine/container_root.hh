// SPDX-License-Identifier: Apache-2.0
// A container's file system as a descriptor, for commands that read or change its files from outside (cp, export, diff,
// commit). A running one is reached through its init; a stopped one is mounted in this command's own mount namespace, so
// whatever happens to the command, no mount is left on the host (DESIGN section 1). Nothing of the container is executed or
// loaded, and every path in it is opened by base/in_root.hh.
#pragma once

#include <optional>

#include "base/fd.hh"
#include "engine/engine.hh"

namespace kist::engine {

/// The init of a running container: by pidfd, and the start time is compared after it is open, so it is the container's
/// own init or an Error.
Fd open_init(const storage::ContainerView& view);

class ContainerRoot {
public:
    /// `bare` leaves out volumes and everything else that is mounted over the container's own files.
    enum class Show { all_mounts, bare };
    /// A stopped container that is written to is locked meanwhile: two overlays must not share one upper layer.
    enum class Access { read, write };
    ContainerRoot(Engine&, const ContainerId&, Show, Access);

    const Fd& fd() const { return root_; }
    const storage::ContainerConfig& config() const { return view_.config; }
    bool is_running() const { return running_; }
    /// A copy of all its mounts that may be attached in this process's mount namespace, which becomes one of its own. Only
    /// with Show::all_mounts.
    Fd mount_here() const;

private:
    bool open_running(Show);
    bool open_for_reading(Engine&, const ContainerId&, Show);
    void mount_stopped(Engine&, const oci::RootMount&, Show);
    std::optional<storage::ContainerLock> lock_;
    storage::ContainerView view_;
    bool running_ = false;
    Fd root_;
};

/// The layers up to `top_layer`, read-only, mounted in this command's own mount namespace; none: an image without layers.
Fd mount_layers(Engine&, const std::string& top_layer);

} // namespace kist::engine
