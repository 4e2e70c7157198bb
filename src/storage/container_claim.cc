// SPDX-License-Identifier: Apache-2.0
// Making, renaming and deleting container records so that a kill at any line leaves nothing that blocks or hides: every
// step is one system call that is atomic, and run/pending tells the next command what to finish.
#include <algorithm>
#include <chrono>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "base/rollback.hh"
#include "base/text.hh"
#include "storage/container_store.hh"
#include "storage/quota.hh"

namespace kist::storage {

namespace {

/// Nothing when somebody holds it, or when the folder went meanwhile.
std::optional<FileLock> try_lock(const std::optional<Dir>& folder) {
    if (!folder) return std::nullopt;
    try {
        return FileLock::try_acquire(*folder, "lock");
    } catch (const SysError& e) {
        if (e.code != ENOENT) throw;
        return std::nullopt;
    }
}

/// 20 s of 2 ms: longer than any create holds its name without a record.
constexpr int claim_attempts = 10000;

} // namespace

ContainerId ContainerStore::new_id() const {
    for (;;) {
        ContainerId id = ContainerId::random();
        if (!name_target(id.short_id()) && !containers_.exists(id.str())) return id;
    }
}

void ContainerStore::check_name(const std::string& name) const {
    if (!is_valid_name(name))
        throw UsageError("invalid container name '{}': only [a-zA-Z0-9][a-zA-Z0-9_.-]* are allowed", printable(name));
    if (!is_lower_hex(name) || name.size() < 12) return;
    if (name.size() == 64) throw UsageError("invalid container name '{}': it reads as a container ID", name);
    for (const ContainerId& id : ids())
        if (id.str().starts_with(name) && has_config(id.str()))
            throw Error("the container name '{}' clashes with the ID of container {}", name, id.str());
}

void ContainerStore::mark_pending(const std::string& id) const {
    auto mark = pending_.open_file(id, O_WRONLY | O_CREAT);
    if (!mark) throw Error("marking container '{}' as pending: the run folder went away", id);
}

/// A sweeper may take the folder for a remainder before we hold its lock: then we make it again.
ContainerLock ContainerStore::make_folder(const std::string& id) const {
    for (;;) {
        mark_pending(id);
        containers_.make_dir(id);
        auto lock = try_lock(containers_.open_dir_if_exists(id));
        if (!lock) continue;
        if (!pending_.exists(id)) mark_pending(id);
        return std::move(*lock);
    }
}

ContainerLock ContainerStore::create(const ContainerConfig& config) const {
    check_name(config.name);
    ContainerLock lock = make_folder(config.id);
    Rollback undo; // runs while the lock is still held
    undo.add([&] { remove_folder(config.id); });
    claim_name(config.name, config.id);
    undo.add([&] {
        if (name_target(config.name) == config.id) names_.remove_file(config.name);
    });
    write_config(config);
    if (!config.auto_remove) {
        names_.sync();
        containers_.sync();
    }
    undo.commit();
    pending_.remove_file(config.id);
    return lock;
}

/// Makes the link, or throws NameInUse. A name whose holder has no record (yet, or any more) is waited for, and taken
/// over when the holder is dead.
void ContainerStore::claim_name(const std::string& name, const std::string& id) const {
    for (int attempt = 0;; ++attempt) {
        if (symlinkat(id.c_str(), names_.fd().get(), name.c_str()) == 0) return;
        if (errno != EEXIST) throw SysError("claiming container name '{}'", name);
        auto holder = name_target(name);
        if (!holder) continue;
        if (!ContainerId::parse(*holder)) {
            names_.remove_file(name); // not written by us: it names no container
            continue;
        }
        if (free_stale_name(name, *holder)) continue;
        if (attempt >= claim_attempts) throw NameInUse(name, *holder);
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

/// True when the name may be free now. Throws NameInUse when `holder` has a right to it. Only who holds the lock of a
/// container touches the names that point to it, so what is read under that lock stays true.
bool ContainerStore::free_stale_name(const std::string& name, const std::string& holder) const {
    auto text = config_text(holder);
    if (!text) return clear_remainder(holder);
    std::string own_name = name;
    try {
        own_name = parse_config(*text, "config.json").name;
    } catch (const Error&) { // damaged: it keeps the name until it is removed
    }
    if (own_name == name) throw NameInUse(name, holder);
    auto lock = try_lock(containers_.open_dir_if_exists(holder));
    if (!lock) return false; // a rename under way
    auto now = config_text(holder);
    if (now && name_target(name) == holder && parse_config(*now, "config.json").name != name) names_.remove_file(name);
    return true;
}

/// Removes what an interrupted create or rm has left of `id`; false while somebody holds its lock or when it has a record.
bool ContainerStore::clear_remainder(const std::string& id) const {
    // A link may have outlived its folder in a power cut: the folder is made again, because the lock is in it.
    containers_.make_dir(id);
    auto lock = try_lock(containers_.open_dir_if_exists(id));
    if (!lock || has_config(id)) return false;
    clear_locked(id);
    return true;
}

void ContainerStore::clear_locked(const std::string& id) const {
    for (const std::string& name : names_of_id(id)) names_.remove_file(name);
    remove_folder(id);
}

/// The last steps of every removal: nothing but folders of a container without a record. The lock goes last but one.
void ContainerStore::remove_folder(const std::string& id) const {
    run_.remove_tree(id);
    if (auto dir = containers_.open_dir_if_exists(id)) {
        for (const std::string& name : dir->names())
            if (name != "lock") dir->remove_tree(name);
        dir->remove_file("lock");
        if (unlinkat(containers_.fd().get(), id.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT && errno != ENOTEMPTY)
            throw SysError("removing folder '{}'", containers_.path_of(id));
    }
    pending_.remove_file(id);
}

void ContainerStore::rename(ContainerConfig& config, const std::string& new_name) const {
    check_name(new_name);
    std::string old_name = config.name;
    if (new_name == old_name) throw Error("renaming a container with the same name as its current name");
    claim_name(new_name, config.id);
    Rollback undo;
    undo.add([&] { names_.remove_file(new_name); });
    if (!config.auto_remove) names_.sync();
    config.name = new_name;
    undo.add([&] { config.name = old_name; });
    write_config(config);
    undo.commit();
    if (name_target(old_name) == config.id) names_.remove_file(old_name);
}

void ContainerStore::remove(const ContainerId& id, Volumes volumes) const {
    auto view = this->view(id);
    if (!view) return;
    mark_pending(id.str());
    view->state.boot_id = current_boot_id();
    view->state.status = Status::removing;
    if (volumes == Volumes::remove_anonymous || view->config.auto_remove) view->state.remove_volumes = true;
    write_state(id, view->state);
    Dir dir = data_dir(id);
    if (!view->config.auto_remove && view->damage.empty()) {
        try {
            write_atomically(dir, "exit.json", dump_state(view->state), Durability::volatile_);
        } catch (const SysError& e) {
            if (e.code != ENOSPC && e.code != EDQUOT) throw; // removing must work on a full disk
        }
    }
    // While the record still tells which they are.
    if (view->state.remove_volumes && view->damage.empty()) remove_volumes(view->config);
    if (view->damage.empty()) forget_limits(dir, view->config.root_project);
    for (const std::string& name : dir.names())
        if (!name.ends_with(".json") && name != "lock") dir.remove_tree(name);
    std::vector<std::string> names = {view->config.name};
    if (!view->damage.empty()) names = names_of_id(id.str());
    if (auto run = run_.open_dir_if_exists(id.str())) run->remove_file("config.json");
    dir.remove_file("config.json");
    for (const std::string& name : names)
        if (name_target(name) == id.str()) names_.remove_file(name);
    remove_folder(id.str());
}

/// One entry of run/pending or one folder: true when it was something to remove.
bool ContainerStore::finish(const std::string& id) const {
    if (!has_config(id)) return clear_remainder(id);
    auto parsed = ContainerId::parse(id);
    auto lock = try_lock(containers_.open_dir_if_exists(id));
    if (!lock) return false;
    auto view = this->view(*parsed);
    if (!view) return false;
    if (view->state.status == Status::removing) {
        remove(*parsed);
        return true;
    }
    pending_.remove_file(id); // its create had finished but for this mark
    return false;
}

std::vector<std::string> ContainerStore::sweep(Sweep how) const {
    std::vector<std::string> removed;
    auto finish_all = [&](const std::vector<std::string>& ids) {
        for (const std::string& id : ids)
            if (ContainerId::parse(id) && finish(id)) removed.push_back(id);
    };
    bool first_of_boot = !store_.run().exists("swept");
    finish_all(pending_.names());
    if (how == Sweep::quick && !first_of_boot) return removed;
    std::vector<std::string> without_record;
    for (const ContainerId& id : ids())
        if (!has_config(id.str())) without_record.push_back(id.str());
    for (const std::string& name : names_.names())
        if (auto target = name_target(name); target && !has_config(*target)) without_record.push_back(*target);
    std::sort(without_record.begin(), without_record.end());
    without_record.erase(std::unique(without_record.begin(), without_record.end()), without_record.end());
    finish_all(without_record);
    sweep_volumes();
    write_atomically(store_.run(), "swept", "", Durability::volatile_);
    return removed;
}

} // namespace kist::storage
