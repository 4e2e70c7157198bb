// SPDX-License-Identifier: Apache-2.0
#include "oci/run/mount_guard.hh"

#include <algorithm>
#include <array>

#include <linux/magic.h>
#include <sys/stat.h>

#include "base/error.hh"
#include "oci/run/mount_plan.hh"

namespace kist::oci {

namespace {

/// The files that lxcfs and its like replace; the same ten that runc allows.
constexpr auto replaceable = std::to_array<std::string_view>({
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/slabinfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/sys/crypto/fips_enabled",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/uptime",
});
constexpr ino_t proc_root_inode = 1;

bool is_replaceable(std::string_view path) {
    return std::find(replaceable.begin(), replaceable.end(), path) != replaceable.end();
}

} // namespace

void check_below_proc(const MountStep& step) {
    if (step.target == "/proc" && step.kind == MountStep::Kind::file_system && step.type != "proc")
        throw Error("only procfs may be mounted on '/proc', not '{}'", step.type);
    if (step.target == "/proc" && step.kind == MountStep::Kind::cgroup)
        throw Error("only procfs may be mounted on '/proc'");
    if (step.target.starts_with("/proc/") && !is_replaceable(step.target))
        throw Error("'{}' is inside '/proc', where nothing may be mounted", step.target);
}

void check_target(const MountStep& step, const Fd& target) {
    if (!is_on_proc(target)) return;
    if (step.target == "/proc" || is_replaceable(step.target)) return;
    throw Error("'{}' leads into procfs, where nothing may be mounted", step.target);
}

void check_proc_source(const MountStep& step, const Fd& source) {
    if (step.target == "/proc" && !is_proc_root(source)) throw Error("only procfs may be mounted on '/proc'");
}

bool is_on_proc(const Fd& fd) { return file_system_magic(fd) == PROC_SUPER_MAGIC; }

bool is_proc_root(const Fd& fd) {
    struct stat facts {};
    if (::fstat(fd.get(), &facts) < 0) throw SysError("reading a folder's identity");
    return is_on_proc(fd) && facts.st_ino == proc_root_inode;
}

} // namespace kist::oci
