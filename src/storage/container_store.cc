// SPDX-License-Identifier: Apache-2.0
// Finding, reading and writing container records; making and deleting them is in container_claim.cc.
#include "storage/container_store.hh"

#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

#include "base/parallel.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "storage/init_process.hh"
#include "storage/record.hh"

namespace kist::storage {

namespace {

void become_exited(ContainerState& state, int exit_code, std::string error) {
    state.status = Status::exited;
    state.exit_code = exit_code;
    state.error = std::move(error);
    state.pid = 0;
    state.pid_start_time = 0;
    state.monitor_pid = 0;
    if (state.finished_at == 0) state.finished_at = Moment::now().ns;
}

/// The record says that it runs and nobody holds the monitor's lock: ask the kernel.
void verify_orphan(ContainerState& state) {
    if (state.status == Status::restarting) return; // it has none
    InitLook look = look_at_init(state.pid, state.pid_start_time);
    if (look.kind == InitLook::Kind::alive) return;
    if (state.status == Status::initialized) { // its program has never run
        state.status = Status::created;
        state.pid = 0;
        state.pid_start_time = 0;
        state.monitor_pid = 0;
    } else if (look.status) become_exited(state, look.status->code(), "");
    else become_exited(state, unknown_exit_code, "its monitor was killed, so its exit code is not known");
}

/// `id` is a valid container id: the path has two components that we know. Opening the folder as well would double the
/// system calls of a `ps` of many.
std::optional<std::string> read_below(const Dir& parent, const std::string& id, const char* file) {
    std::string name = id + "/" + file;
    Fd fd{openat(parent.fd().get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY)};
    if (!fd) {
        if (errno == ENOENT) return std::nullopt;
        throw SysError("opening '{}/{}'", parent.path(), name);
    }
    return read_all(fd, record_limit, name);
}

std::string path_below(const Dir& parent, const std::string& id, const char* file) {
    return fmt::format("{}/{}/{}", parent.path(), id, file);
}

bool has_file(const Dir& parent, const std::string& id, const char* file) {
    return faccessat(parent.fd().get(), (id + "/" + file).c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

} // namespace

const std::string& current_boot_id() {
    static const std::string id(trim(read_file("/proc/sys/kernel/random/boot_id", 128)));
    return id;
}

ContainerStore::ContainerStore(const Store& store)
    : store_(store),
      containers_(store.data().create_dir("containers")),
      names_(containers_.create_dir("names")),
      run_(store.run().create_dir("containers")),
      pending_(store.run().create_dir("pending")) {}

bool ContainerStore::has_config(const std::string& id) const {
    return has_file(containers_, id, "config.json") || has_file(run_, id, "config.json");
}

std::optional<std::string> ContainerStore::config_text(const std::string& id) const {
    if (auto text = read_below(containers_, id, "config.json")) return text;
    return read_below(run_, id, "config.json");
}

std::optional<std::string> ContainerStore::name_target(const std::string& name) const {
    char buffer[128];
    ssize_t length = readlinkat(names_.fd().get(), name.c_str(), buffer, sizeof buffer);
    if (length < 0) {
        if (errno == ENOENT || errno == EINVAL || errno == ENAMETOOLONG) return std::nullopt;
        throw SysError("looking up container name '{}'", name);
    }
    return std::string(buffer, static_cast<std::size_t>(length));
}

std::vector<std::string> ContainerStore::names_of_id(const std::string& id) const {
    std::vector<std::string> found;
    for (const std::string& name : names_.names())
        if (name_target(name) == id) found.push_back(name);
    return found;
}

ContainerLock ContainerStore::lock(const ContainerId& id) const {
    try {
        ContainerLock lock = FileLock::acquire(data_dir(id), "lock");
        if (has_config(id.str())) return lock;
        // It was removed while we waited, or its removal was interrupted: no trace may stay for our lock file's sake.
        clear_locked(id.str());
    } catch (const SysError& e) {
        if (e.code != ENOENT) throw; // the folder went between opening and locking
    }
    throw NotFound("No such container: {}", id.str());
}

std::optional<ContainerId> ContainerStore::find_if_exists(std::string_view reference) const {
    bool as_id = reference.starts_with("id:"), as_name = reference.starts_with("name:");
    std::string word(reference.substr(as_id ? 3 : as_name ? 5 : 0));
    if (!as_id && word.starts_with('/')) word.erase(0, 1); // as Docker's own documents write names
    if (!as_name)
        if (auto id = ContainerId::parse(word)) {
            if (has_config(word)) return id;
            if (as_id) return std::nullopt;
        }
    if (!as_id && is_valid_name(word))
        if (auto target = name_target(word))
            if (auto id = ContainerId::parse(*target); id && has_config(*target)) return id;
    if (as_name || !is_lower_hex(word) || word.size() >= 64) return std::nullopt;
    std::vector<ContainerId> fits;
    for (const ContainerId& id : ids())
        if (id.str().starts_with(word) && has_config(id.str())) fits.push_back(id);
    if (fits.empty()) return std::nullopt;
    if (fits.size() == 1) return fits.front();
    std::vector<std::string> shown;
    for (const ContainerId& id : fits) {
        auto view = this->view(id);
        shown.push_back(id.short_id() + (view && !view->config.name.empty() ? " (" + view->config.name + ")" : ""));
    }
    std::sort(shown.begin(), shown.end());
    if (shown.size() > 5) shown.resize(5);
    throw Error("container ID prefix '{}' is ambiguous: it fits {} containers: {}{}", word, fits.size(),
                join(shown, ", "), fits.size() > 5 ? ", …" : "")
        .with_exit_code(ExitCode::failure);
}

ContainerId ContainerStore::find(std::string_view reference) const {
    if (auto id = find_if_exists(reference)) return *id;
    throw NotFound("No such container: {}", printable(reference));
}

std::vector<ContainerId> ContainerStore::ids() const {
    std::vector<ContainerId> found;
    for (const std::string& name : containers_.names())
        if (auto id = ContainerId::parse(name)) found.push_back(*id);
    return found;
}

/// Enough for `ps` to show a damaged record and for `rm -f` to end and remove it.
void ContainerStore::describe_damaged(ContainerView& view) const {
    auto run = run_.open_dir_if_exists(view.config.id);
    view.monitor_alive = run && FileLock::is_held(*run, "monitor.lock");
    view.state = ContainerState{};
    if (view.monitor_alive) view.state.status = Status::running;
}

/// state.json of this boot, verified; nothing when there is none.
std::optional<ContainerState> ContainerStore::current_state(ContainerView& view) const {
    const std::string& id = view.config.id;
    std::string before;
    for (;;) {
        auto text = read_below(run_, id, "state.json");
        if (!text) return std::nullopt;
        ContainerState state = parse_state(*text, path_below(run_, id, "state.json"));
        if (state.boot_id != current_boot_id()) return std::nullopt;
        if (!is_up(state.status)) return state;
        auto run = run_.open_dir_if_exists(id);
        view.monitor_alive = run && FileLock::is_held(*run, "monitor.lock");
        if (view.monitor_alive) return state;
        // The monitor records the exit before it lets go of the lock: what is read after a free lock is final.
        if (*text == before) {
            view.is_orphan = view.is_adoptable = true;
            verify_orphan(state);
            return state;
        }
        before = std::move(*text);
    }
}

/// state.json of this boot wins; then how the last run ended; then that it was started and never ended before a reboot.
void ContainerStore::read_state(ContainerView& view) const {
    const std::string& id = view.config.id;
    if (auto state = current_state(view)) {
        view.state = std::move(*state);
        return;
    }
    auto exit_text = read_below(containers_, id, "exit.json");
    if (exit_text) view.state = parse_state(*exit_text, path_below(containers_, id, "exit.json"));
    auto started_text = read_below(containers_, id, "started.json");
    if (!exit_text) view.state = ContainerState{};
    if (!started_text) return;
    ContainerState started = parse_state(*started_text, path_below(containers_, id, "started.json"));
    if (exit_text && view.state.started_at >= started.started_at) return;
    if (started.boot_id == current_boot_id() && FileLock::is_held(data_dir(*ContainerId::parse(id)), "lock"))
        return; // a start is under way: until its monitor speaks, the last state holds
    view.state = started;
    view.is_orphan = true;
    if (started.boot_id == current_boot_id()) // killed between this record and its monitor's first one
        become_exited(view.state, unknown_exit_code, "the command that started it was killed");
    else become_exited(view.state, unknown_exit_code, "the host was restarted while it ran");
}

bool ContainerStore::read_view(const ContainerId& id, ContainerView& view) const {
    try {
        auto text = config_text(id.str());
        if (!text) return false;
        read_config(*text, path_below(containers_, id.str(), "config.json"), view.config);
        if (view.config.id != id.str())
            throw Error("reading '{}': it is another container's", path_below(containers_, id.str(), "config.json"));
        read_state(view);
        // A --rm container that went while we read leaves no state, as one that was never started.
        if (view.config.auto_remove && view.state.boot_id.empty() && !has_config(id.str())) return false;
    } catch (const Error& e) {
        view.damage = e.what();
        view.config.id = id.str();
        describe_damaged(view);
    }
    return true;
}

/// Names for records that do not tell theirs: one look at the names for all of them.
void ContainerStore::name_damaged(std::span<ContainerView> views) const {
    std::map<std::string, ContainerView*> nameless;
    for (ContainerView& view : views)
        if (!view.damage.empty() && view.config.name.empty()) nameless[view.config.id] = &view;
    if (nameless.empty()) return;
    for (const std::string& name : names_.names()) {
        const auto target = name_target(name);
        const auto found = target ? nameless.find(*target) : nameless.end();
        if (found != nameless.end() && found->second->config.name.empty()) found->second->config.name = name;
    }
}

std::optional<ContainerView> ContainerStore::view(const ContainerId& id) const {
    std::optional<ContainerView> view(std::in_place);
    if (!read_view(id, *view)) view.reset();
    else name_damaged({&*view, 1});
    return view;
}

std::vector<ContainerView> ContainerStore::all() const {
    const std::vector<ContainerId> found = ids();
    std::vector<ContainerView> views(found.size()); // read in place: a view is large
    in_parallel(found.size(), [&](std::size_t i) {
        if (!read_view(found[i], views[i])) views[i].config.id.clear();
    });
    std::erase_if(views, [](const ContainerView& view) { return view.config.id.empty(); });
    name_damaged(views);
    return views;
}

Dir ContainerStore::data_dir(const ContainerId& id) const {
    if (auto dir = containers_.open_dir_if_exists(id.str())) return std::move(*dir);
    throw NotFound("No such container: {}", id.str());
}

Dir ContainerStore::run_dir(const ContainerId& id) const { return run_.create_dir(id.str()); }

void ContainerStore::write_config(const ContainerConfig& config) const {
    ContainerId id = ContainerId::parse(config.id).value();
    if (config.auto_remove) write_atomically(run_dir(id), "config.json", dump_config(config), Durability::volatile_);
    else write_atomically(data_dir(id), "config.json", dump_config(config), Durability::durable);
}

void ContainerStore::write_state(const ContainerId& id, const ContainerState& state) const {
    write_atomically(run_dir(id), "state.json", dump_state(state), Durability::volatile_);
}

void ContainerStore::write_started(const ContainerConfig& config, const ContainerState& state) const {
    if (config.auto_remove) return; // gone after a reboot anyway
    write_atomically(data_dir(ContainerId::parse(config.id).value()), "started.json", dump_state(state),
                     Durability::volatile_);
}

void ContainerStore::write_exit(const ContainerConfig& config, const ExitRecord& record) const {
    ContainerId id = ContainerId::parse(config.id).value();
    if (!config.auto_remove) {
        Dir dir = data_dir(id);
        write_atomically(dir, "exit.json", dump_state(record), Durability::durable);
        dir.remove_file("started.json");
    }
    write_state(id, record);
}

void ContainerStore::write_dead(const ContainerView& view, const std::string& reason) const {
    ContainerId id = ContainerId::parse(view.config.id).value();
    ContainerState state = view.state;
    state.boot_id = current_boot_id();
    state.status = Status::dead;
    state.error = reason;
    write_state(id, state);
    if (!view.config.auto_remove) write_atomically(data_dir(id), "exit.json", dump_state(state), Durability::volatile_);
}

} // namespace kist::storage
