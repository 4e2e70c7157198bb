// SPDX-License-Identifier: Apache-2.0
#include "oci/run/identity.hh"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/fd.hh"
#include "oci/run/capabilities.hh"
#include "oci/run/mount_guard.hh"

namespace kist::oci {

namespace {

constexpr auto rlimit_names = std::to_array<std::pair<std::string_view, __rlimit_resource>>({
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
});

/// Lowers to what may be had: the present hard limit, and for open files what the kernel's ceiling fs.nr_open leaves.
void set_clamped(pid_t pid, __rlimit_resource resource, const rlimit& wanted, const std::string& name) {
    rlimit present{};
    if (::prlimit(pid, resource, nullptr, &present) < 0) throw SysError("reading limit '{}'", name);
    const rlimit lowered{std::min(wanted.rlim_cur, present.rlim_max), std::min(wanted.rlim_max, present.rlim_max)};
    if (::prlimit(pid, resource, &lowered, nullptr) < 0) throw SysError("setting limit '{}'", name);
}

void write_proc(const char* path, std::string_view text, std::string_view what) {
    const Fd file{::open(path, O_WRONLY | O_CLOEXEC)};
    if (!file) throw SysError("{}: opening '{}'", what, path);
    if (!is_on_proc(file)) throw Error("{}: '{}' is not on procfs", what, path);
    if (::write(file.get(), text.data(), text.size()) < 0) throw SysError("{}", what);
}

/// Makes everything permitted effective again, which a change from root to another user takes away.
void raise_permitted() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
    if (::syscall(SYS_capget, &header, sets.data()) < 0) throw SysError("reading capabilities");
    for (auto& set : sets) set.effective = set.permitted;
    if (::syscall(SYS_capset, &header, sets.data()) < 0) throw SysError("raising capabilities");
}

void install_filter(const SeccompProgram& filter, unsigned flags) {
    if (filter.empty()) return;
    if (filter.size() % sizeof(sock_filter) != 0 || filter.size() / sizeof(sock_filter) > BPF_MAXINSNS)
        throw Error("the seccomp filter is damaged");
    // The kernel copies it; alignment of a string's buffer is that of malloc.
    const sock_fprog program{static_cast<unsigned short>(filter.size() / sizeof(sock_filter)),
                             reinterpret_cast<sock_filter*>(const_cast<char*>(filter.data()))};
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) < 0)
        throw SysError("installing the seccomp filter");
}

} // namespace

bool is_rlimit(std::string_view name) {
    return std::any_of(rlimit_names.begin(), rlimit_names.end(),
                       [&](const auto& known) { return known.first == name; });
}

void set_rlimits(const std::vector<Rlimit>& limits, const std::vector<std::string>& clamp, pid_t pid) {
    for (const Rlimit& limit : limits) {
        const auto* known = std::find_if(rlimit_names.begin(), rlimit_names.end(),
                                         [&](const auto& n) { return n.first == limit.type; });
        if (known == rlimit_names.end()) throw Error("unknown limit '{}'", limit.type);
        if (limit.soft > limit.hard)
            throw Error("limit '{}': the soft value {} is over the hard {}", limit.type, limit.soft, limit.hard);
        const rlimit wanted{limit.soft, limit.hard};
        if (::prlimit(pid, known->second, &wanted, nullptr) == 0) continue;
        const SysError::Code reason{errno};
        const bool may_clamp =
            reason.value == EPERM && std::find(clamp.begin(), clamp.end(), limit.type) != clamp.end();
        if (!may_clamp) throw SysError(reason, "setting limit '{}' to {}:{}", limit.type, limit.soft, limit.hard);
        set_clamped(pid, known->second, wanted, limit.type);
    }
}

void set_oom_score(int value, pid_t pid) {
    const std::string what = fmt::format("setting the OOM score adjustment to {}", value);
    const std::string path = pid == 0 ? "/proc/self/oom_score_adj" : fmt::format("/proc/{}/oom_score_adj", pid);
    write_proc(path.c_str(), std::to_string(value), what);
}

void set_exec_label(const std::string& apparmor_profile, const std::string& selinux_label) {
    if (!apparmor_profile.empty() && apparmor_profile != "unconfined") {
        const bool stacked = ::access("/proc/thread-self/attr/apparmor/exec", F_OK) == 0;
        const char* path = stacked ? "/proc/thread-self/attr/apparmor/exec" : "/proc/thread-self/attr/exec";
        write_proc(path, "exec " + apparmor_profile,
                   fmt::format("setting the AppArmor profile '{}'", apparmor_profile));
    }
    if (!selinux_label.empty())
        write_proc("/proc/thread-self/attr/exec", selinux_label,
                   fmt::format("setting the SELinux label '{}'", selinux_label));
}

void become_user(const User& user, const Capabilities& capabilities) {
    limit_bounding_set(capabilities);
    // Ends with exec.
    if (user.uid != 0 && ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) throw SysError("keeping capabilities");
    if (::setgroups(user.additional_gids.size(), user.additional_gids.data()) < 0) throw SysError("setting the groups");
    if (::setresgid(user.gid, user.gid, user.gid) < 0) throw SysError("setting the group {}", user.gid);
    if (::setresuid(user.uid, user.uid, user.uid) < 0) throw SysError("setting the user {}", user.uid);
    // The kernel made the process dumpable again when its ids changed.
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) throw SysError("protecting the process");
    if (user.uid != 0) raise_permitted();
}

void confine(const Process& process, const SeccompProgram& filter, unsigned filter_flags,
             const std::function<void()>& filtered) {
    if (process.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        throw SysError("setting no_new_privs");
    install_filter(filter, filter_flags);
    if (filtered) filtered();
    set_process_capabilities(process.capabilities.value_or(Capabilities{}), process.user.uid == 0);
}

} // namespace kist::oci
