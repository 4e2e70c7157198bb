// SPDX-License-Identifier: Apache-2.0
#include "oci/run/folder_project.hh"

#include <linux/fs.h>
#include <sys/ioctl.h>

#include "base/error.hh"

namespace kist::oci {

void take_project(const Fd& copy, const Fd& data) {
    struct fsxattr attributes {};
    if (::ioctl(data.get(), FS_IOC_FSGETXATTR, &attributes) != 0 || attributes.fsx_projid == 0) return;
    if (::ioctl(copy.get(), FS_IOC_FSSETXATTR, &attributes) != 0) throw SysError("keeping a volume's size limit");
}

} // namespace kist::oci
