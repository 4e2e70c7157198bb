// SPDX-License-Identifier: Apache-2.0
#include "netns/namespace.hh"

#include <cstdlib>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/text.hh"

namespace kist::netns {

Fd open_namespace(const std::string& path) {
    Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd) throw SysError("opening network namespace '{}'", path);
    return fd;
}

Fd make_namespace() {
    const Fd own = open_namespace();
    if (::unshare(CLONE_NEWNET) != 0) {
        SysError error("making a network namespace");
        if (error.code == ENOSPC) error.with_hint("a limit is reached: see /proc/sys/user/max_net_namespaces");
        throw error;
    }
    Fd made = open_namespace("/proc/thread-self/ns/net");
    if (::setns(own.get(), CLONE_NEWNET) != 0) std::abort(); // going on in the wrong network would be worse
    return made;
}

InNamespace::InNamespace(const Fd& target) : own_(open_namespace()) {
    if (::setns(target.get(), CLONE_NEWNET) != 0) throw SysError("entering a network namespace");
}

InNamespace::~InNamespace() {
    // A thread may always return to the namespace its process is in; going on in the wrong one would be worse than ending.
    if (::setns(own_.get(), CLONE_NEWNET) != 0) std::abort();
}

bool write_sysctl(const std::string& name, const std::string& value) {
    const std::string path = "/proc/sys/net/" + name;
    const Fd fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    if (!fd && errno == ENOENT) return false;
    if (!fd || ::write(fd.get(), value.data(), value.size()) < 0) throw SysError("writing '{}'", path);
    return true;
}

std::string read_sysctl(const std::string& name) {
    const auto text = read_file_if_exists("/proc/sys/net/" + name, 4096);
    return text ? std::string(trim(*text)) : "";
}

} // namespace kist::netns
