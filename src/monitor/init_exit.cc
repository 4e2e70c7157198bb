// SPDX-License-Identifier: Apache-2.0
#include "monitor/init_exit.hh"

#include <poll.h>
#include <sys/ioctl.h>

#include "storage/init_process.hh"

namespace kist::monitor {

namespace {

/// struct pidfd_info of <linux/pidfd.h>, version 0 (64 bytes); Debian 12's headers are older than it.
struct PidfdInfo {
    std::uint64_t mask;
    std::uint64_t cgroup_id;
    std::uint32_t pid, tgid, ppid;
    std::uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr std::uint64_t info_exit = 1U << 3;
constexpr unsigned long get_info = _IOWR(0xFF, 11, PidfdInfo);

std::optional<ExitStatus> recorded_exit(const Fd& pidfd) {
    PidfdInfo info{};
    info.mask = info_exit;
    if (::ioctl(pidfd.get(), get_info, &info) != 0 || (info.mask & info_exit) == 0) return std::nullopt;
    return ExitStatus::from_wait_status(info.exit_code);
}

} // namespace

std::optional<ExitStatus> exit_of_other(const Fd& pidfd, pid_t pid, std::uint64_t start_time) {
    if (const auto status = recorded_exit(pidfd)) return status;
    const storage::InitLook look = storage::look_at_init(pid, start_time);
    if (look.status) return look.status;
    // Between being a zombie and having a record there is a moment without either.
    constexpr int moment_ms = 100;
    pollfd hang_up{pidfd.get(), 0, 0};
    ::poll(&hang_up, 1, moment_ms);
    return recorded_exit(pidfd);
}

} // namespace kist::monitor
