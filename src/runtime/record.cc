// SPDX-License-Identifier: Apache-2.0
#include "runtime/record.hh"

#include <algorithm>

#include <poll.h>

#include "base/error.hh"
#include "base/json.hh"
#include "base/process.hh"
#include "base/text.hh"

namespace kist::runtime {

namespace {

constexpr std::size_t record_limit = 64u << 20;
constexpr const char* record_name = "state.json";
constexpr const char* lock_name = "lock";
/// No id begins with a dot, so this is no container.
constexpr const char* cache_name = ".seccomp";

/// Other runtimes' grammar; it becomes a file name (P20).
bool is_good_id(std::string_view id) {
    const auto good = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
               c == '-' || c == '.';
    };
    return !id.empty() && id.size() <= 255 && id.front() != '.' && std::all_of(id.begin(), id.end(), good);
}

void check_id(const std::string& id) {
    if (is_good_id(id)) return;
    UsageError error("invalid container id '{}'", printable(id));
    error.with_hint("it is made of letters, digits and '_+-.', and does not begin with a dot");
    throw error;
}

/// A zombie is as good as gone: nothing of the container runs in it any more.
bool has_ended(const Fd& pidfd) {
    pollfd wait{pidfd.get(), POLLIN, 0};
    return ::poll(&wait, 1, 0) == 1;
}

std::optional<Fd> open_process(const Record& record) {
    if (record.pid == 0) return std::nullopt;
    auto pidfd = open_pidfd(record.pid);
    if (!pidfd || has_ended(*pidfd)) return std::nullopt;
    const auto start_time = process_start_time(record.pid);
    if (!start_time || *start_time != record.start_time) return std::nullopt;
    return pidfd;
}

} // namespace

Container::Container(Dir dir, Record record)
    : dir_(std::move(dir)), record_(std::move(record)), pidfd_(open_process(record_)) {}

void Container::set_process(pid_t pid) {
    record_.pid = pid;
    record_.start_time = process_start_time(pid).value_or(0);
    pidfd_ = open_process(record_);
}

Status Container::status() const {
    if (record_.pid == 0) return Status::creating;
    if (!pidfd_ || has_ended(*pidfd_)) return Status::stopped;
    if (dir_.exists(start_socket_name)) return Status::created;
    return cgroup().is_frozen() ? Status::paused : Status::running;
}

oci::Cgroup Container::cgroup() const { return oci::Cgroup::open(oci::CgroupHost::detect(), record_.cgroup); }

void Container::save() const {
    write_atomically(dir_, record_name, json::dump(to_value(record_)), Durability::volatile_);
}

FileLock Container::lock() const { return FileLock::acquire(dir_, lock_name); }

Value Container::state() const {
    const Status now = status();
    Value state = Value::object();
    state.set("ociVersion", record_.spec.oci_version);
    state.set("id", record_.id);
    state.set("pid", now == Status::stopped ? 0 : record_.pid);
    state.set("status", name_of(now));
    state.set("bundle", record_.bundle);
    state.set("rootfs", record_.rootfs);
    state.set("created", record_.created);
    if (!record_.spec.annotations.empty()) state.set("annotations", to_value(record_.spec.annotations));
    state.set("owner", "root");
    return state;
}

Dir Store::make(const std::string& id) const {
    check_id(id);
    const Dir root = Dir::create(root_, 0700);
    if (!root.make_dir(id, 0700)) throw Error("container with given ID already exists: '{}'", id);
    return root.open_dir(id);
}

std::optional<Container> Store::find(const std::string& id) const {
    check_id(id);
    const auto root = Dir::open_if_exists(root_);
    auto dir = root ? root->open_dir_if_exists(id) : std::nullopt;
    if (!dir) return std::nullopt;
    const auto text = read_file_if_exists(*dir, record_name, record_limit);
    if (!text) return std::nullopt;
    const std::string where = dir->path_of(record_name);
    auto record = from_value<Record>(json::parse(*text, where, {.bytes = record_limit}), where);
    if (record.schema != 1) throw Error("{}: written by a newer version (schema {})", where, record.schema);
    return Container(std::move(*dir), std::move(record));
}

Container Store::open(const std::string& id) const {
    auto found = find(id);
    if (!found) throw NotFound("container '{}' does not exist", id);
    return std::move(*found);
}

bool Store::exists(const std::string& id) const {
    check_id(id);
    const auto root = Dir::open_if_exists(root_);
    return root && root->exists(id);
}

std::vector<std::string> Store::ids() const {
    const auto root = Dir::open_if_exists(root_);
    if (!root) return {};
    std::vector<std::string> names = root->names();
    std::erase_if(names, [](const std::string& name) { return !is_good_id(name); });
    std::sort(names.begin(), names.end());
    return names;
}

void Store::remove(const std::string& id) const {
    if (const auto root = Dir::open_if_exists(root_)) (void)root->remove_tree(id);
}

Dir Store::seccomp_cache() const { return Dir::create(root_, 0700).create_dir(cache_name); }

} // namespace kist::runtime
