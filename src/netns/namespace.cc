// SPDX-License-Identifier: Apache-2.0
#include "netns/namespace.hh"

#include <cstdlib>

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/process.hh"
#include "base/text.hh"

namespace kist::netns {

Fd open_namespace(const std::string& path) {
    Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd) throw SysError("opening network namespace '{}'", path);
    return fd;
}

namespace {

[[noreturn]] void throw_no_namespace(int code) {
    SysError error(SysError::Code{code}, "making a network namespace");
    if (error.code == ENOSPC) error.with_hint("a limit is reached: see /proc/sys/user/max_net_namespaces");
    throw error;
}

/// A process that makes it in the user namespace `owner`, which nobody could leave again, tells so through `told` and waits.
Child make_in(const Fd& owner, const Fd& told) {
    const pid_t parent = ::getpid(), pid = ::fork();
    if (pid < 0) throw SysError("making a process for a network namespace");
    if (pid == 0) {
        const bool made = ::setns(owner.get(), CLONE_NEWUSER) == 0 && ::unshare(CLONE_NEWNET) == 0;
        const int code = made ? 0 : errno;
        end_with_parent(parent);
        if (::write(told.get(), &code, sizeof code) != sizeof code) ::_exit(1);
        for (;;) ::pause();
    }
    auto pidfd = open_pidfd(pid);
    if (!pidfd) throw Error("making a process for a network namespace: it has ended");
    return Child(pid, std::move(*pidfd));
}

Fd make_owned_namespace(const Fd& owner) {
    Pipe told = make_pipe();
    const Child maker = make_in(owner, told.write);
    told.write.reset();
    int code = ECHILD; // when it was killed before it could tell
    const std::size_t got = read_full(told.read, {reinterpret_cast<char*>(&code), sizeof code}, "the maker's answer");
    if (got != sizeof code || code != 0) throw_no_namespace(code);
    return open_namespace(fmt::format("/proc/{}/ns/net", maker.pid()));
}

} // namespace

Fd make_namespace(const Fd& owner) {
    if (owner) return make_owned_namespace(owner);
    const Fd own = open_namespace();
    if (::unshare(CLONE_NEWNET) != 0) throw_no_namespace(errno);
    Fd made = open_namespace("/proc/thread-self/ns/net");
    if (::setns(own.get(), CLONE_NEWNET) != 0) std::abort(); // going on in the wrong network would be worse
    return made;
}

Fd owner_of_namespace(const Fd& space) {
    Fd owner{::ioctl(space.get(), NS_GET_USERNS)};
    if (!owner) throw SysError("opening the user namespace of a network namespace");
    return owner;
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
