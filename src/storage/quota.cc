// SPDX-License-Identifier: Apache-2.0
#include "storage/quota.hh"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/ids.hh"

namespace kist::storage {

namespace {

constexpr unsigned project_quota = 2;         // PRJQUOTA
constexpr std::uint64_t quota_block = 1024;   // QIF_DQBLKSIZE: the unit of limits
constexpr std::uint32_t own_range = 1u << 30; // projects that administrators number by hand are small

long quota_call(const Fd& fd, unsigned command, std::uint32_t project, if_dqblk* limits) {
    return ::syscall(SYS_quotactl_fd, fd.get(), (command << 8) | project_quota, project, limits);
}

[[noreturn]] void refuse(const Dir& folder, int code) {
    const std::string& path = folder.path();
    SysError error(SysError::Code{code}, "limiting the size of '{}'", path);
    error.with_hint("the file system needs project quotas: ext4 or xfs, mounted with 'prjquota'");
    throw error;
}

void set_project(const Dir& folder, std::uint32_t project) {
    struct fsxattr attributes {};
    if (::ioctl(folder.fd().get(), FS_IOC_FSGETXATTR, &attributes) != 0) refuse(folder, errno);
    attributes.fsx_projid = project;
    attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    if (::ioctl(folder.fd().get(), FS_IOC_FSSETXATTR, &attributes) != 0) refuse(folder, errno);
}

} // namespace

std::uint32_t new_project() {
    return own_range | (static_cast<std::uint32_t>(std::stoul(random_hex(4), nullptr, 16)) & (own_range - 1));
}

void limit_folder(const Dir& folder, std::uint32_t project, const FolderLimits& limits) {
    if_dqblk wanted{};
    wanted.dqb_bhardlimit = (static_cast<std::uint64_t>(limits.bytes) + quota_block - 1) / quota_block;
    wanted.dqb_ihardlimit = static_cast<std::uint64_t>(limits.files);
    wanted.dqb_valid = QIF_LIMITS;
    if (quota_call(folder.fd(), Q_SETQUOTA, project, &wanted) != 0) refuse(folder, errno);
    set_project(folder, project);
}

void forget_limits(const Dir& on_same_file_system, std::uint32_t project) noexcept {
    if_dqblk none{};
    none.dqb_valid = QIF_LIMITS;
    if (project != 0) quota_call(on_same_file_system.fd(), Q_SETQUOTA, project, &none);
}

} // namespace kist::storage
