// SPDX-License-Identifier: Apache-2.0
// Volumes as containers' records name them: who uses which, and the anonymous ones that go with their container.
#include <algorithm>

#include "base/text.hh"
#include "storage/container_store.hh"
#include "storage/volume_store.hh"

namespace kist::storage {

namespace {

/// Names need no escapes in JSON, so a record without the word is not worth parsing.
bool may_name_one_of(const std::string& text, const std::vector<std::string>& names) {
    if (names.empty()) return text.find("\"volume\"") != text.npos;
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& name) { return text.find("\"" + name + "\"") != text.npos; });
}

bool is_wanted(const MountConfig& mount, const std::vector<std::string>& only) {
    return mount.type == "volume" && (only.empty() || std::find(only.begin(), only.end(), mount.name) != only.end());
}

} // namespace

std::map<std::string, std::vector<ContainerStore::VolumeUser>> ContainerStore::volume_users(
    const std::vector<std::string>& only) const {
    std::map<std::string, std::vector<VolumeUser>> users;
    const auto add = [&](const std::string& volume, VolumeUser user) {
        auto& of_volume = users[volume];
        if (of_volume.empty() || of_volume.back().id != user.id) of_volume.push_back(std::move(user));
    };
    for (const ContainerId& id : ids()) {
        const auto text = config_text(id.str());
        if (!text || !may_name_one_of(*text, only)) continue;
        try {
            const ContainerConfig config = parse_config(*text, "config.json");
            for (const MountConfig& mount : config.mounts)
                if (is_wanted(mount, only)) add(mount.name, {id.str(), config.name});
        } catch (const Error&) { // whom it names, it keeps
            for (const std::string& volume : only.empty() ? VolumeStore(store_).names() : only)
                if (may_name_one_of(*text, {volume})) add(volume, {id.str(), id.short_id(), true});
        }
    }
    return users;
}

/// Those that another container mounts stay, and go with the last of them.
void ContainerStore::remove_volumes(const ContainerConfig& config) const {
    std::vector<std::string> own;
    for (const MountConfig& mount : config.mounts)
        if (mount.type == "volume" && mount.anonymous) own.push_back(mount.name);
    if (own.empty()) return;
    const VolumeStore volumes(store_);
    for (const std::string& name : own) {
        const FileLock lock = volumes.lock(name, LockMode::exclusive);
        auto users = volume_users({name})[name];
        std::erase_if(users, [&](const VolumeUser& user) { return user.id == config.id; });
        if (users.empty()) volumes.remove(name);
    }
}

/// After a boot: the records of --rm containers are gone, and with them who would remove their volumes.
void ContainerStore::sweep_volumes() const {
    const VolumeStore volumes(store_);
    volumes.sweep();
    for (const std::string& name : volumes.names()) {
        if (name.size() != 64 || !is_lower_hex(name)) continue;
        try {
            const auto record = volumes.find(name);
            if (!record || !record->auto_remove || has_config(record->owner)) continue;
            const FileLock lock = volumes.lock(name, LockMode::exclusive);
            if (volume_users({name}).empty()) volumes.remove(name);
        } catch (const Error&) { // damaged: `system check` names it
        }
    }
}

} // namespace kist::storage
