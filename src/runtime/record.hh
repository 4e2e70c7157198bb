// SPDX-License-Identifier: Apache-2.0
// What the runtime keeps of a container between two calls: a folder <root>/<id> with state.json, a lock, and the socket on
// which a created container waits for its start. All of it dies with the boot.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hh"
#include "base/lock.hh"
#include "oci/run/cgroup.hh"
#include "oci/spec/runtime_spec.hh"

namespace kist::runtime {

struct Record {
    int schema = 1;
    std::string id;
    /// 0 until the container's first process exists. With the start time it names no other process.
    int pid = 0;
    std::uint64_t start_time = 0;
    std::string bundle;
    std::string rootfs;
    std::string created; ///< RFC 3339
    std::string cgroup;
    std::string scope; ///< the unit that systemd made the control group as; empty: it was made through cgroupfs
    /// As it was carried out: a later change of the bundle's config.json changes nothing.
    oci::Spec spec;
    bool operator==(const Record&) const = default;
    static constexpr void fields(auto&& field) {
        field("schema", &Record::schema, required);
        field("id", &Record::id, required);
        field("pid", &Record::pid);
        field("startTime", &Record::start_time);
        field("bundle", &Record::bundle);
        field("rootfs", &Record::rootfs);
        field("created", &Record::created);
        field("cgroup", &Record::cgroup);
        field("scope", &Record::scope);
        field("spec", &Record::spec, required);
    }
};

enum class Status { creating, created, running, paused, stopped };
constexpr auto names_of(Status) {
    using S = Status;
    return std::to_array<std::pair<S, std::string_view>>({{S::creating, "creating"},
                                                          {S::created, "created"},
                                                          {S::running, "running"},
                                                          {S::paused, "paused"},
                                                          {S::stopped, "stopped"}});
}

/// The socket in the container's folder on which its process waits; its presence is what "created" means.
inline constexpr const char* start_socket_name = "start";

/// A container on disk, looked at in this call.
class Container {
public:
    Container(Dir dir, Record record);
    const Record& record() const { return record_; }
    /// Its first process has been made.
    void set_process(pid_t pid);
    const std::string& id() const { return record_.id; }
    const Dir& dir() const { return dir_; }
    /// Of its first process; nothing once that has ended, even when nobody has reaped it yet.
    const std::optional<Fd>& process() const { return pidfd_; }
    Status status() const;
    oci::Cgroup cgroup() const;
    void save() const;
    /// Writers of one container take turns.
    FileLock lock() const;
    /// "state" of the specification: https://github.com/opencontainers/runtime-spec/blob/v1.2.0/runtime.md#state
    Value state() const;

private:
    Dir dir_;
    Record record_;
    std::optional<Fd> pidfd_;
};

/// All containers of one --root.
class Store {
public:
    explicit Store(std::string root) : root_(std::move(root)) {}
    /// Makes the container's folder. Throws Error when the id is taken or no good file name.
    Dir make(const std::string& id) const;
    /// Throws NotFound "container 'x' does not exist".
    Container open(const std::string& id) const;
    std::optional<Container> find(const std::string& id) const;
    std::vector<std::string> ids() const;
    void remove(const std::string& id) const;
    /// True when a folder of that id exists, readable record or not.
    bool exists(const std::string& id) const;
    /// Compiled seccomp filters.
    Dir seccomp_cache() const;

private:
    std::string root_;
};

} // namespace kist::runtime
