// SPDX-License-Identifier: Apache-2.0
// Root folder, capabilities, system calls. A mistake in a decoder or in the tar reader then costs at most the folder of the one
// layer that is being unpacked, which is thrown away with the error.
#include "unpack/confine.hh"

#include <array>
#include <memory>

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hh"

namespace kist::unpack {
namespace {

void enter(const Fd& folder) {
    if (::fchdir(folder.get()) != 0 || ::chroot(".") != 0) throw SysError("confining the unpacker to its folder");
}

void limit_resources() {
    const rlimit no_core{0, 0};
    const rlimit memory{2ul << 30, 2ul << 30};
    if (::setrlimit(RLIMIT_CORE, &no_core) != 0 || ::setrlimit(RLIMIT_AS, &memory) != 0)
        throw SysError("limiting the unpacker");
    ::umask(0);
}

void drop_capabilities(Writes writes) {
    for (int number = 0; ::prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; ++number)
        if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0) throw SysError("dropping privileges of the unpacker");
    // SYS_ADMIN is for trusted.overlay.opaque alone: of what else it allows, the filter below lets no system call through.
    constexpr std::array<cap_value_t, 7> kept{CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER,   CAP_FSETID,
                                              CAP_MKNOD, CAP_SETFCAP,      CAP_SYS_ADMIN};
    const std::unique_ptr<_cap_struct, decltype(&::cap_free)> caps(::cap_init(), &::cap_free);
    if (!caps) throw SysError("dropping privileges of the unpacker");
    if (writes == Writes::yes)
        for (const cap_flag_t set : {CAP_PERMITTED, CAP_EFFECTIVE})
            ::cap_set_flag(caps.get(), set, static_cast<int>(kept.size()), kept.data(), CAP_SET);
    else
        for (const cap_flag_t set : {CAP_PERMITTED, CAP_EFFECTIVE})
            ::cap_set_flag(caps.get(), set, 1, &kept[1], CAP_SET);
    if (::cap_set_proc(caps.get()) != 0) throw SysError("dropping privileges of the unpacker");
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throw SysError("setting no_new_privs");
}

constexpr std::array reading_calls{
    "read",
    "pread64",
    "write",
    "lseek",
    "close",
    "fstat",
    "newfstatat",
    "openat2",
    "openat",
    "fcntl",
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
    "getrandom",
    "getpid",
    "gettid",
    "tgkill",
    "sched_yield",
    "sched_getaffinity",
    "set_robust_list",
    "rseq",
    "restart_syscall",
    "membarrier",
    "prlimit64",
    "getdents64",
    "sync_file_range",
};
constexpr std::array writing_calls{"mkdirat",   "mknodat",   "symlinkat", "linkat", "unlinkat", "renameat",
                                   "renameat2", "fchown",    "fchownat",  "fchmod", "fchmodat", "utimensat",
                                   "fsetxattr", "ftruncate", "pwrite64",  "statx",  "fstatfs"};

class Filter {
public:
    Filter() : context_(::seccomp_init(SCMP_ACT_KILL_PROCESS), &::seccomp_release) {
        if (!context_) throw Error("making the unpacker's system call filter");
    }
    void allow(const char* name) { add(SCMP_ACT_ALLOW, name, {}); }
    void add(std::uint32_t action, const char* name, std::initializer_list<scmp_arg_cmp> conditions) {
        const int call = ::seccomp_syscall_resolve_name(name);
        const int result =
            ::seccomp_rule_add_array(context_.get(), action, call, static_cast<unsigned>(conditions.size()),
                                     conditions.size() == 0 ? nullptr : conditions.begin());
        if (result != 0) throw SysError(SysError::Code{-result}, "allowing system call '{}'", name);
    }
    void load() {
        if (const int result = ::seccomp_load(context_.get()); result != 0)
            throw SysError(SysError::Code{-result}, "loading the unpacker's system call filter");
    }

private:
    std::unique_ptr<void, decltype(&::seccomp_release)> context_;
};

[[maybe_unused]] void filter_calls(Writes writes) { // see confine(): not in sanitized builds
    Filter filter;
    for (const char* name : reading_calls) filter.allow(name);
    if (writes == Writes::yes)
        for (const char* name : writing_calls) filter.allow(name);
    // No memory becomes code, and the only new tasks are threads. clone3 hides its flags in memory; without it the C
    // library falls back to clone.
    filter.add(SCMP_ACT_ALLOW, "mmap", {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)});
    filter.add(SCMP_ACT_ALLOW, "mprotect", {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)});
    filter.add(SCMP_ACT_ALLOW, "clone", {SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)});
    filter.add(SCMP_ACT_ERRNO(ENOSYS), "clone3", {});
    filter.load();
}

} // namespace

void confine(const Fd& folder, Writes writes) {
    limit_resources();
    enter(folder);
    drop_capabilities(writes);
// a sanitizer's runtime needs more calls and far more address space; those builds test memory, not this
#ifndef KIST_SANITIZED
    filter_calls(writes);
#endif
}

} // namespace kist::unpack
