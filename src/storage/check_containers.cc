// SPDX-License-Identifier: Apache-2.0
// Containers: their records, names, and what they need to start.
#include <fcntl.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "storage/check.hh"

namespace kist::storage {

namespace {

constexpr std::size_t state_limit = 16u << 20;

/// Why it cannot be read; empty when it can, or is not there.
std::string fault_of_state(const std::optional<Dir>& folder, const char* name) {
    try {
        const auto text = folder ? read_file_if_exists(*folder, name, state_limit) : std::nullopt;
        if (text) parse_state(*text, folder->path_of(name));
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

/// Kept beside the new one, for who wants to look.
void set_aside(const Dir& folder, const std::string& name) {
    const std::string aside = name + ".damaged";
    if (::renameat(folder.fd().get(), name.c_str(), folder.fd().get(), aside.c_str()) != 0)
        throw SysError("setting '{}' aside", folder.path_of(name));
}

bool is_locked(const std::optional<Dir>& folder) { return folder && FileLock::is_held(*folder, "lock"); }

} // namespace

std::string StoreCheck::name_target(const std::string& name) const {
    const Dir names = store_.data().create_dir("containers").create_dir("names");
    char buffer[128];
    const ssize_t length = ::readlinkat(names.fd().get(), name.c_str(), buffer, sizeof buffer);
    return length < 0 ? std::string() : std::string(buffer, static_cast<std::size_t>(length));
}

/// Of interrupted creates and removals: a folder without a record, a mark of work that nobody does.
void StoreCheck::check_remainders() {
    const Dir all = store_.data().create_dir("containers");
    const Dir run = store_.run().create_dir("containers");
    std::set<std::string> left;
    for (const std::string& id : store_.run().create_dir("pending").names())
        if (!is_locked(all.open_dir_if_exists(id))) left.insert(id);
    for (const ContainerId& id : containers_.ids()) {
        const auto folder = all.open_dir_if_exists(id.str());
        const auto volatile_folder = run.open_dir_if_exists(id.str());
        const bool has_record =
            (folder && folder->exists("config.json")) || (volatile_folder && volatile_folder->exists("config.json"));
        if (!has_record && !is_locked(folder)) left.insert(id.str());
    }
    for (const std::string& id : left)
        note({"container", id, "left by a create or rm that was interrupted", "", false, false}, [&] {
            containers_.sweep(ContainerStore::Sweep::full);
            const auto folder = all.open_dir_if_exists(id);
            if (folder && !folder->exists("config.json") && !run.exists(id)) throw Error("somebody is at work on it");
        });
}

void StoreCheck::check_containers() {
    for (const ContainerId& id : containers_.ids()) check_container(id);
}

void StoreCheck::check_container(const ContainerId& id) {
    const auto view = containers_.view(id);
    if (!view) return;
    ++counts_["containers"];
    check_files(id, *view);
    if (view->config.name.empty() || view->config.created == 0) return; // its config.json is what is damaged
    check_container_name(view->config);
    check_needs(*view);
}

void StoreCheck::check_files(const ContainerId& id, const ContainerView& view) {
    const auto data = store_.data().create_dir("containers").open_dir_if_exists(id.str());
    const auto run = store_.run().create_dir("containers").open_dir_if_exists(id.str());
    const std::string shown = view.config.name.empty() ? id.short_id() : view.config.name;
    bool found = false;
    const auto note_file = [&](const std::string& fault, const Mend& mend) {
        if (fault.empty()) return;
        found = true;
        note({"container", shown, fault, "", false, false}, [&] {
            const FileLock lock = FileLock::acquire(*data, "lock");
            mend();
        });
    };
    note_file(fault_of_state(data, "started.json"), [&] { set_aside(*data, "started.json"); });
    note_file(fault_of_state(data, "exit.json"), [&] {
        set_aside(*data, "exit.json");
        ContainerState state;
        state.boot_id = current_boot_id();
        state.status = Status::exited;
        state.exit_code = unknown_exit_code;
        state.finished_at = Moment::now().ns;
        state.error = "how it ended is not known: its record was damaged";
        write_atomically(*data, "exit.json", dump_state(state), Durability::durable);
    });
    // A live monitor writes it anew with the next change.
    if (!view.monitor_alive) note_file(fault_of_state(run, "state.json"), [&] { set_aside(*run, "state.json"); });
    if (view.damage.empty() || found) return;
    note({"container", shown, view.damage, "remove it with 'kist rm --force " + id.short_id() + "'", false, false});
}

void StoreCheck::check_container_name(const ContainerConfig& config) {
    const std::string target = name_target(config.name);
    if (target == config.id) return;
    if (!target.empty()) {
        note({"container", config.id.substr(0, 12),
              "its name '" + config.name + "' belongs to container " + target.substr(0, 12),
              "give it another one with 'kist rename'", false, false});
        return;
    }
    note({"container", config.name, "its name leads nowhere", "", false, false}, [&] {
        const Dir names = store_.data().create_dir("containers").create_dir("names");
        if (::symlinkat(config.id.c_str(), names.fd().get(), config.name.c_str()) != 0)
            throw SysError("naming container '{}'", config.name);
        names.sync();
    });
}

void StoreCheck::check_needs(const ContainerView& view) {
    const ContainerConfig& config = view.config;
    used_layers_.merge(layers_of(config));
    const auto need_layer = [&](const std::string& layer, const std::string& image) {
        if (layer.empty() || layers_.exists(layer)) return;
        note({"container", config.name, "layer " + layer + " of its image is missing",
              "pull or load '" + image + "' again", false, false});
    };
    if (view.state.status == Status::removing) return; // its volumes go before it does
    need_layer(config.layer, config.image_name);
    for (const MountConfig& mount : config.mounts) {
        need_layer(mount.layer, mount.name);
        if (mount.type != "volume" || volumes_.exists(mount.name)) continue;
        note({"container", config.name, "volume '" + mount.name + "' is missing",
              "make it again, empty, with 'kist volume create " + mount.name + "'", false, false});
    }
}

/// Names whose container has another name by now, or that are no container's at all.
void StoreCheck::check_names() {
    const Dir names = store_.data().create_dir("containers").create_dir("names");
    for (const std::string& name : names.names()) {
        ++counts_["names"];
        const std::string target = name_target(name);
        const auto id = ContainerId::parse(target);
        std::string fault;
        if (!id) {
            fault = "it names no container";
        } else {
            const auto view = containers_.view(*id);
            if (view && (!view->damage.empty() || view->config.name == name)) continue;
            fault = view ? "its container is called '" + view->config.name + "'" : "its container does not exist";
            // a create or rename is at work
            if (is_locked(store_.data().create_dir("containers").open_dir_if_exists(target))) continue;
        }
        note({"name", name, fault, "", false, false}, [&] { names.remove_file(name); });
    }
}

} // namespace kist::storage
