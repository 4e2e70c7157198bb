// SPDX-License-Identifier: Apache-2.0
// Container records on disk: claimed names, config, state, exit, and what is left of the dead. DESIGN section 4.
//
// data/containers/<id>/   config.json (not for --rm), exit.json, lock, upper/, work/, log files
// data/containers/names/<name> → symbolic link whose text is the id: made in one step, so of many commands that want one
//                                name exactly one wins; it exists from before config.json until after everything else is gone
// run/containers/<id>/    state.json, monitor.json, monitor.lock, control.sock, FIFOs; config.json for --rm
//
// A folder without config.json whose `lock` nobody holds is the remainder of an interrupted create or rm: whoever meets it removes it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.hh"
#include "base/lock.hh"
#include "storage/container_config.hh"
#include "storage/store.hh"

namespace kist::storage {

/// A record as a reader finds it, verified against boot id and the monitor's lock.
struct ContainerView {
    ContainerConfig config;
    ContainerState state;
    bool monitor_alive = false;
    /// config.json or state.json is damaged: the reason; config.id is still set.
    std::string damage;
};

/// The lock of one container, needed for every change but those that its live monitor makes.
using ContainerLock = FileLock;

class ContainerStore {
public:
    explicit ContainerStore(const Store&);

    /// Claims folder and name and writes config.json (durable; under run/ and volatile for auto_remove). Returns holding
    /// the lock. Throws Error 'the container name "web" is already in use by container "<id>"…' (Docker's words) or a
    /// clash of a name with an existing id (SEEDS A021). Killed anywhere, it leaves nothing that blocks the same call.
    ContainerLock create(const ContainerConfig&);
    ContainerLock lock(const ContainerId&) const;

    /// Full id, then exact name, then unique id prefix (SEEDS A020); "id:" and "name:" force one kind. Throws NotFound
    /// "no such container: web" or Error that lists the candidates of an ambiguous prefix.
    ContainerId find(std::string_view reference) const;
    std::optional<ContainerId> find_if_exists(std::string_view reference) const;
    std::vector<ContainerId> ids() const;

    /// Nothing when it does not exist (any more). Takes no lock. A "running" record of another boot reads as exited.
    std::optional<ContainerView> view(const ContainerId&) const;
    std::vector<ContainerView> all() const;

    void write_config(const ContainerConfig&) const;
    void write_state(const ContainerId&, const ContainerState&) const;
    /// exit.json, durable (volatile for auto_remove), then state.json.
    void write_exit(const ContainerConfig&, const ExitRecord&) const;
    /// Moves the name in one step; the caller holds the lock.
    void rename(ContainerConfig&, const std::string& new_name) const;

    /// The container's folders; made if missing for run_dir.
    Dir data_dir(const ContainerId&) const;
    Dir run_dir(const ContainerId&) const;

    /// Deletes every trace on disk, in an order that a kill at any line leaves something that the next command finishes:
    /// state `removing`, upper and work, run folder, config, name, folder. The caller holds the lock and has seen the container stopped.
    void remove(const ContainerId&) const;
    /// Removes left-overs of interrupted creates and removals (no config.json, lock free) and --rm containers whose
    /// monitor is dead and whose cgroup is empty. Cheap when there is nothing to do. Returns what it removed.
    std::vector<std::string> sweep() const;

private:
    const Store& store_;
    Dir containers_, names_, run_;
};

/// /proc/sys/kernel/random/boot_id
std::string current_boot_id();

} // namespace kist::storage
