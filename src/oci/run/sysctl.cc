// SPDX-License-Identifier: Apache-2.0
#include "oci/run/sysctl.hh"

#include <algorithm>
#include <array>
#include <string_view>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/in_root.hh"
#include "oci/run/mount_guard.hh"

namespace kist::oci {

namespace {

struct SysctlRule {
    std::string_view name; ///< whole, or a prefix when it ends in '/'
    int flag;
    std::string_view name_of_namespace;
};
constexpr auto rules = std::to_array<SysctlRule>({
    {"fs/mqueue/", CLONE_NEWIPC, "ipc"},
    {"kernel/domainname", CLONE_NEWUTS, "uts"},
    {"kernel/msgmax", CLONE_NEWIPC, "ipc"},
    {"kernel/msgmnb", CLONE_NEWIPC, "ipc"},
    {"kernel/msgmni", CLONE_NEWIPC, "ipc"},
    {"kernel/sem", CLONE_NEWIPC, "ipc"},
    {"kernel/shm_rmid_forced", CLONE_NEWIPC, "ipc"},
    {"kernel/shmall", CLONE_NEWIPC, "ipc"},
    {"kernel/shmmax", CLONE_NEWIPC, "ipc"},
    {"kernel/shmmni", CLONE_NEWIPC, "ipc"},
    {"net/", CLONE_NEWNET, "network"},
});

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.' || c == '/';
}

/// With a slash anywhere the name is a path already, and its dots are part of names.
std::string path_of(const std::string& name) {
    std::string path = name;
    if (path.find('/') == std::string::npos) std::replace(path.begin(), path.end(), '.', '/');
    const bool plain = !path.empty() && std::all_of(path.begin(), path.end(), is_name_character);
    if (!plain || path.front() == '/' || clean_path("/" + path) != "/" + path)
        throw Error("sysctl '{}': malformed name", name);
    return path;
}

const SysctlRule* rule_of(std::string_view path) {
    const auto* found = std::find_if(rules.begin(), rules.end(), [&](const SysctlRule& rule) {
        return rule.name.ends_with('/') ? path.starts_with(rule.name) : path == rule.name;
    });
    return found == rules.end() ? nullptr : found;
}

} // namespace

std::vector<SysctlWrite> plan_sysctls(const std::map<std::string, std::string>& wanted,
                                      const NamespacePlan& namespaces) {
    std::vector<SysctlWrite> writes;
    for (const auto& [name, value] : wanted) {
        const std::string path = path_of(name);
        if (value.find_first_of(std::string_view("\n\0", 2)) != std::string::npos)
            throw Error("sysctl '{}': the value may not hold a line break or NUL", name);
        const SysctlRule* rule = rule_of(path);
        if (rule == nullptr) throw Error("sysctl '{}' does not belong to a container; it would change the host", name);
        if (!namespaces.is_own(rule->flag))
            throw Error("sysctl '{}' needs a {} namespace of the container's own", name, rule->name_of_namespace);
        writes.push_back({path, value});
    }
    return writes;
}

void write_sysctls(const std::vector<SysctlWrite>& writes) {
    if (writes.empty()) return;
    const Fd proc{::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!proc) throw SysError("opening '/proc'");
    if (!is_proc_root(proc)) throw Error("the host's '/proc' is not procfs");
    for (const SysctlWrite& write : writes) {
        const Fd file = open_in_root(proc, "sys/" + write.path, O_WRONLY);
        if (!is_on_proc(file)) throw Error("setting sysctl '{}': something is mounted over it", write.path);
        // One write: the kernel takes the first as the whole value.
        if (::write(file.get(), write.value.data(), write.value.size()) < 0)
            throw SysError("setting sysctl '{}' to '{}'", write.path, write.value);
    }
}

} // namespace kist::oci
