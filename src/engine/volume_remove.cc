// SPDX-License-Identifier: Apache-2.0
// volume rm and prune: what is in use stays, and the message says by whom.
#include "base/text.hh"
#include "engine/containers.hh"
#include "engine/describe.hh"
#include "engine/volumes.hh"

namespace kist::engine {

namespace {

using storage::ContainerStore;

std::string names_of(const std::vector<ContainerStore::VolumeUser>& users) {
    constexpr std::size_t shown = 5;
    std::vector<std::string> parts;
    for (const auto& user : users) {
        if (parts.size() == shown) break;
        parts.push_back("'" + user.name + "' (" + user.id.substr(0, 12) + ")");
    }
    return (users.size() == 1 ? "container " : "containers ") + join(parts, ", ") + (users.size() > shown ? ", …" : "");
}

void remove_users(Engine& engine, const std::string& name, const VolumeRemoveOptions& options) {
    const auto users = engine.containers().volume_users({name})[name];
    for (const auto& user : users)
        remove(engine, *ContainerId::parse(user.id), {.force = true, .volumes = false, .timeout = options.timeout});
}

/// Under the volume's lock, so that no container that names it is made between the look and the removal.
bool remove_unused(Engine& engine, const std::string& name) {
    const FileLock lock = engine.volumes().lock(name, LockMode::exclusive);
    const auto users = engine.containers().volume_users({name})[name];
    if (!users.empty())
        throw Error("volume '{}' is in use by {}", name, names_of(users))
            .with_hint("remove the container first, or use --force, which does")
            .with_exit_code(ExitCode::failure);
    return engine.volumes().remove(name);
}

/// A record that cannot be read may name any volume: with one, nothing is known to be unused.
void check_records(Engine& engine) {
    for (const auto& view : engine.containers().all())
        if (!view.damage.empty())
            throw Error("which volumes container '{}' uses is not known: {}", view.config.name, view.damage)
                .with_hint("remove that container first: kist rm --force " + view.config.id.substr(0, 12));
}

} // namespace

void remove_volume(Engine& engine, const std::string& name, const VolumeRemoveOptions& options) {
    engine.volumes().sweep();
    if (!engine.volumes().exists(name)) {
        if (options.force) return;
        throw NotFound("no such volume: {}", printable(name));
    }
    if (options.force) remove_users(engine, name, options);
    if (!remove_unused(engine, name) && !options.force) throw NotFound("no such volume: {}", printable(name));
}

PrunedVolumes prune_volumes(Engine& engine, const VolumePruneOptions& options) {
    check_records(engine);
    engine.volumes().sweep();
    PrunedVolumes pruned;
    for (const VolumeView& view : list_volumes(engine, options.filters)) {
        const std::string& name = view.record.name;
        if (!view.users.empty() || !view.damage.empty() || (!options.all && !view.record.anonymous)) continue;
        const std::int64_t bytes = volume_size(engine, name);
        try {
            if (!options.dry_run && !remove_unused(engine, name)) continue;
        } catch (const Error&) {
            if (!engine.containers().volume_users({name})[name].empty()) continue; // somebody began to use it
            throw;
        }
        pruned.names.push_back(name);
        pruned.bytes += bytes;
    }
    return pruned;
}

std::int64_t volume_size(Engine& engine, const std::string& name) {
    try {
        const auto data = engine.volumes().folder(name).open_dir_if_exists("_data");
        return data ? tree_size(*data) : 0;
    } catch (const NotFound&) { // removed meanwhile
        return 0;
    }
}

} // namespace kist::engine
