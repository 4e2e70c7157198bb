// SPDX-License-Identifier: Apache-2.0
// A mistake in TLS, HTTP or JSON code then costs at most the one transfer: there is no file to read and nothing to execute.
#include "fetch/confine.hh"

#include <array>
#include <csignal>
#include <memory>

#include <fcntl.h>
#include <grp.h>
#include <linux/mount.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/file.hh"

namespace kist::fetch {
namespace {

constexpr unsigned nobody = 65534;
constexpr std::size_t file_limit = 1u << 20;

/// A tmpfs that is mounted nowhere and goes with the process.
Fd make_root() {
    const Fd context{static_cast<int>(::syscall(SYS_fsopen, "tmpfs", 1 /* FSOPEN_CLOEXEC */))};
    if (!context || ::syscall(SYS_fsconfig, context.get(), 6 /* FSCONFIG_CMD_CREATE */, nullptr, nullptr, 0) != 0)
        throw SysError("making the fetcher's root");
    Fd root{static_cast<int>(::syscall(SYS_fsmount, context.get(), 1 /* FSMOUNT_CLOEXEC */, 0))};
    if (!root) throw SysError("making the fetcher's root");
    return root;
}

void enter_root() {
    const Dir root(make_root(), "root of kist-fetch");
    ::fchmod(root.fd().get(), 0755);
    const Dir etc = root.create_dir("etc", 0755);
    for (const char* name : {"hosts", "resolv.conf", "nsswitch.conf", "host.conf", "gai.conf"}) {
        const auto text = read_file_if_exists(std::string("/etc/") + name, file_limit);
        if (!text) continue;
        const auto file = etc.open_file(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
        write_full(*file, *text, name);
    }
    ::fchmod(etc.fd().get(), 0755);
    if (::fchdir(root.fd().get()) != 0 || ::chroot(".") != 0) throw SysError("confining the fetcher");
}

void drop_privileges() {
    const rlimit no_core{0, 0};
    const rlimit memory{1ul << 30, 1ul << 30};
    if (::setrlimit(RLIMIT_CORE, &no_core) != 0 || ::setrlimit(RLIMIT_AS, &memory) != 0)
        throw SysError("limiting the fetcher");
    for (int number = 0; ::prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; ++number)
        if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0) throw SysError("dropping privileges of the fetcher");
    if (::setgroups(0, nullptr) != 0 || ::setresgid(nobody, nobody, nobody) != 0 ||
        ::setresuid(nobody, nobody, nobody) != 0)
        throw SysError("dropping privileges of the fetcher");
    const std::unique_ptr<_cap_struct, decltype(&::cap_free)> caps(::cap_init(), &::cap_free);
    if (!caps || ::cap_set_proc(caps.get()) != 0) throw SysError("dropping privileges of the fetcher");
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        throw SysError("dropping privileges of the fetcher");
    // A command that was killed must not leave us waiting for a registry. Only now: a change of user ids clears it.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) throw SysError("tying the fetcher to its command");
}

constexpr std::array calls{
    "read",
    "readv",
    "pread64",
    "write",
    "writev",
    "lseek",
    "close",
    "fstat",
    "newfstatat",
    "openat",
    "fcntl",
    "ioctl",
    "brk",
    "munmap",
    "mremap",
    "madvise",
    "futex",
    "exit",
    "exit_group",
    "rt_sigreturn",
    "rt_sigprocmask",
    "rt_sigaction",
    "sigaltstack",
    "clock_gettime",
    "clock_nanosleep",
    "nanosleep",
    "getrandom",
    "getpid",
    "gettid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "tgkill",
    "sched_yield",
    "sched_getaffinity",
    "set_robust_list",
    "rseq",
    "restart_syscall",
    "membarrier",
    "prlimit64",
    "uname",
    "sysinfo",
    "socket",
    "socketpair",
    "connect",
    "bind",
    "getsockname",
    "getpeername",
    "getsockopt",
    "setsockopt",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "recvfrom",
    "recvmsg",
    "shutdown",
    "poll",
    "ppoll",
    "select",
    "pselect6",
    "pipe2",
    "eventfd2",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "gettimeofday",
    "time",
};

[[maybe_unused]] void filter_calls() {
    const std::unique_ptr<void, decltype(&::seccomp_release)> context(::seccomp_init(SCMP_ACT_ERRNO(EPERM)),
                                                                      &::seccomp_release);
    if (!context) throw Error("making the fetcher's system call filter");
    const auto allow = [&](const char* name, std::initializer_list<scmp_arg_cmp> conditions) {
        const int call = ::seccomp_syscall_resolve_name(name);
        const int result =
            ::seccomp_rule_add_array(context.get(), SCMP_ACT_ALLOW, call, static_cast<unsigned>(conditions.size()),
                                     conditions.size() == 0 ? nullptr : conditions.begin());
        if (result != 0) throw SysError(SysError::Code{-result}, "allowing system call '{}'", name);
    };
    for (const char* name : calls) allow(name, {});
    allow("mmap", {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)});
    allow("mprotect", {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)});
    allow("clone", {SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)});
    // The name service looks names up in a thread; without clone3, whose flags a filter can't see, the C library uses clone.
    if (::seccomp_rule_add(context.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) != 0 ||
        ::seccomp_load(context.get()) != 0)
        throw Error("loading the fetcher's system call filter");
}

} // namespace

void confine() {
    enter_root();
    drop_privileges();
#ifndef KIST_SANITIZED
    filter_calls();
#endif
}

} // namespace kist::fetch
