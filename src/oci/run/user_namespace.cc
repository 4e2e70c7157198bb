// SPDX-License-Identifier: Apache-2.0
// user_namespaces(7).
#include "oci/run/user_namespace.hh"

#include <algorithm>
#include <csignal>

#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/process.hh"

namespace kist::oci {

namespace {

/// The kernel's own limit (340 lines since 4.15).
constexpr std::size_t most_ranges = 340;

bool overlap(std::uint32_t a, std::uint32_t a_size, std::uint32_t b, std::uint32_t b_size) {
    return std::uint64_t{a} < std::uint64_t{b} + b_size && std::uint64_t{b} < std::uint64_t{a} + a_size;
}

void write_map(const std::string& path, const IdMap& map) {
    std::string text;
    for (const IdMapping& range : map) text += fmt::format("{} {} {}\n", range.container_id, range.host_id, range.size);
    const Fd file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    if (!file) throw SysError("opening '{}'", path);
    if (::write(file.get(), text.data(), text.size()) < 0) throw SysError("writing the id map '{}'", path);
}

/// A process that only exists, in a new user namespace.
Child clone_sleeper() {
    int pidfd = -1;
    clone_args arguments{};
    arguments.flags = CLONE_NEWUSER | CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    arguments.exit_signal = SIGCHLD;
    const pid_t maker = ::getpid();
    const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid < 0) throw SysError("making a user namespace");
    if (pid == 0) {
        end_with_parent(maker);
        for (;;) ::pause();
    }
    return Child(static_cast<pid_t>(pid), Fd(pidfd));
}

} // namespace

void check_ranges(const IdMap& map, std::string_view where) {
    if (map.size() > most_ranges) throw Error("{}: {} ranges, the kernel takes {}", where, map.size(), most_ranges);
    for (std::size_t i = 0; i < map.size(); ++i) {
        const IdMapping& range = map[i];
        const auto last = [&](std::uint32_t first) { return std::uint64_t{first} + range.size - 1; };
        if (range.size == 0) throw Error("{}[{}].size: expected a number above 0", where, i);
        if (last(range.container_id) >= UINT32_MAX || last(range.host_id) >= UINT32_MAX)
            throw Error("{}[{}]: the range ends beyond the last id", where, i);
        for (std::size_t j = 0; j < i; ++j)
            if (overlap(range.container_id, range.size, map[j].container_id, map[j].size) ||
                overlap(range.host_id, range.size, map[j].host_id, map[j].size))
                throw Error("{}[{}]: overlaps with range {}", where, i, j);
    }
}

void check_id_map(const IdMap& map, std::string_view where) {
    check_ranges(map, where);
    const bool has_root =
        std::any_of(map.begin(), map.end(), [](const IdMapping& range) { return range.container_id == 0; });
    if (!has_root) throw Error("{}: id 0, the container's root, is not mapped", where);
}

void write_id_maps(pid_t pid, const IdMap& uids, const IdMap& gids) {
    write_map(fmt::format("/proc/{}/uid_map", pid), uids);
    write_map(fmt::format("/proc/{}/gid_map", pid), gids);
}

Fd make_user_namespace(const IdMap& uids, const IdMap& gids) {
    const Child sleeper = clone_sleeper();
    write_id_maps(sleeper.pid(), uids, gids);
    const std::string path = fmt::format("/proc/{}/ns/user", sleeper.pid());
    Fd made{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!made) throw SysError("opening '{}'", path);
    return made;
}

void become_namespace_root() {
    if (::setgroups(0, nullptr) < 0 || ::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0)
        throw SysError("becoming root of the user namespace");
}

bool is_in_other_namespace(pid_t pid, const char* kind) {
    struct stat own {
    }, other{};
    const std::string own_path = fmt::format("/proc/self/ns/{}", kind), path = fmt::format("/proc/{}/ns/{}", pid, kind);
    if (::stat(own_path.c_str(), &own) < 0) return false; // a kernel without this kind
    if (::stat(path.c_str(), &other) < 0) throw SysError("reading '{}'", path);
    return own.st_ino != other.st_ino || own.st_dev != other.st_dev;
}

} // namespace kist::oci
