// SPDX-License-Identifier: Apache-2.0
// Container records on disk: claimed names, config, state, exit, and what is left of the dead. DESIGN section 4.
//
// data/containers/<id>/   config.json (not for --rm), started.json, exit.json, lock, upper/, work/, log files
// data/containers/names/<name> → symbolic link whose text is the id: made in one step, so of many commands that want one
//                                name exactly one wins; it exists from before config.json until after everything else is gone
// run/containers/<id>/    state.json, monitor.json, monitor.lock, control.sock, FIFOs; config.json for --rm
// run/pending/<id>        there while the container is being created or removed: what a killed command has left to finish
//
// A folder without config.json whose `lock` nobody holds is the remainder of an interrupted create or rm: whoever meets it removes it.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.hh"
#include "base/lock.hh"
#include "storage/container_config.hh"
#include "storage/store.hh"

namespace kist::storage {

/// Of a container of whose end nobody was told.
inline constexpr int unknown_exit_code = 255;

/// A record as a reader finds it, verified against boot id and the monitor's lock.
struct ContainerView {
    ContainerConfig config;
    ContainerState state;
    bool monitor_alive = false;
    /// The record on disk says that it runs, but its monitor is dead: the next command that changes it adopts it, or
    /// records its end.
    bool is_orphan = false;
    /// An orphan whose last monitor has left a state of this boot: another one can take over from there.
    bool is_adoptable = false;
    /// config.json or state.json is damaged: the reason; config.id is still set.
    std::string damage;
};

/// The lock of one container, needed for every change but those that its live monitor makes.
using ContainerLock = FileLock;

/// The name belongs to another container. `holder` is its id.
class NameInUse : public Error {
public:
    NameInUse(const std::string& name, const std::string& holder_id)
        : Error("the container name \"{}\" is already in use by container \"{}\"", name, holder_id), holder(holder_id) {
        with_hint("remove or rename that container, or use --replace, to be able to reuse the name");
    }
    const std::string holder;
};

class ContainerStore {
public:
    explicit ContainerStore(const Store&);

    /// A fresh id that reads as no existing name (SEEDS A021).
    ContainerId new_id() const;
    /// Claims folder and name and writes config.json (durable; under run/ and volatile for auto_remove). Returns holding
    /// the lock. Throws NameInUse or, for a name that reads as an existing id, Error (SEEDS A021). Killed anywhere, it
    /// leaves nothing that blocks the same call.
    ContainerLock create(const ContainerConfig&) const;
    /// Throws NotFound when it is gone (also when it went while we waited).
    ContainerLock lock(const ContainerId&) const;

    /// Full id, then exact name, then unique id prefix (SEEDS A020); "id:" and "name:" force one kind. Throws NotFound
    /// "No such container: web" or Error that lists the candidates of an ambiguous prefix.
    ContainerId find(std::string_view reference) const;
    std::optional<ContainerId> find_if_exists(std::string_view reference) const;
    /// Every folder, also remainders; view() tells.
    std::vector<ContainerId> ids() const;

    /// Nothing when it does not exist (any more). Takes no lock. A "running" record of another boot, or one whose process
    /// and monitor are dead, reads as exited with the reason in state.error.
    std::optional<ContainerView> view(const ContainerId&) const;
    std::vector<ContainerView> all() const;

    void write_config(const ContainerConfig&) const;
    void write_state(const ContainerId&, const ContainerState&) const;
    /// Before a start: from now on the container counts as having run, also after a reboot.
    void write_started(const ContainerConfig&, const ContainerState&) const;
    /// exit.json, durable (volatile for auto_remove), then state.json.
    void write_exit(const ContainerConfig&, const ExitRecord&) const;
    /// Removal could not finish: it stays listed as dead, with the reason.
    void write_dead(const ContainerView&, const std::string& reason) const;
    /// Moves the name in one step; the caller holds the lock.
    void rename(ContainerConfig&, const std::string& new_name) const;

    /// The container's folders; run_dir is made if missing. data_dir throws NotFound when the container is gone.
    Dir data_dir(const ContainerId&) const;
    Dir run_dir(const ContainerId&) const;

    enum class Volumes { keep, remove_anonymous };
    /// Deletes every trace on disk, in an order that a kill at any line leaves something that the next command finishes:
    /// state `removing`, anonymous volumes (asked for, or of a --rm container) that no other container uses, upper and work, run
    /// folder, config, name, folder. The caller holds the lock and has seen the container stopped.
    void remove(const ContainerId&, Volumes = Volumes::keep) const;

    struct VolumeUser {
        std::string id, name;
        bool is_damaged = false; ///< its record names the volume, and cannot be read
    };
    /// The containers that mount volumes, by volume; only these, or all volumes. Reads every record.
    std::map<std::string, std::vector<VolumeUser>> volume_users(const std::vector<std::string>& only = {}) const;
    /// quick: what is in run/pending (nearly always nothing), after a boot everything. full: every folder and name.
    enum class Sweep { quick, full };
    /// Finishes interrupted creates and removals whose lock is free. Returns the ids of what it removed.
    std::vector<std::string> sweep(Sweep) const;

private:
    bool has_config(const std::string& id) const;
    std::optional<std::string> config_text(const std::string& id) const;
    std::optional<std::string> name_target(const std::string& name) const;
    std::vector<std::string> names_of_id(const std::string& id) const;
    void check_name(const std::string& name) const;
    ContainerLock make_folder(const std::string& id) const;
    void claim_name(const std::string& name, const std::string& id) const;
    bool free_stale_name(const std::string& name, const std::string& holder) const;
    bool clear_remainder(const std::string& id) const;
    void clear_locked(const std::string& id) const;
    bool finish(const std::string& id) const;
    void remove_folder(const std::string& id) const;
    void remove_volumes(const ContainerConfig&) const;
    void sweep_volumes() const;
    void mark_pending(const std::string& id) const;
    /// False when it does not exist.
    bool read_view(const ContainerId&, ContainerView&) const;
    void read_state(ContainerView&) const;
    std::optional<ContainerState> current_state(ContainerView&) const;
    void describe_damaged(ContainerView&) const;
    void name_damaged(std::span<ContainerView>) const;

    const Store& store_;
    Dir containers_, names_, run_, pending_;
};

/// /proc/sys/kernel/random/boot_id
const std::string& current_boot_id();

} // namespace kist::storage
