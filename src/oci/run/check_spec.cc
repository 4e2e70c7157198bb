// SPDX-License-Identifier: Apache-2.0
#include "oci/run/check_spec.hh"

#include <algorithm>
#include <set>

#include "base/error.hh"
#include "base/text.hh"
#include "oci/run/cgroup_devices.hh"
#include "oci/run/identity.hh"
#include "oci/run/mount_plan.hh"
#include "oci/run/namespaces.hh"
#include "oci/run/scheduling.hh"
#include "oci/run/sysctl.hh"

namespace kist::oci {

namespace {

/// More than any container has; a kernel's own limit on a namespace is 100 000, and each takes a system call or six.
constexpr std::size_t most_mounts = 20'000;

void check_words(const std::vector<std::string>& words, std::string_view where) {
    for (std::size_t i = 0; i < words.size(); ++i)
        if (words[i].find('\0') != std::string::npos) throw Error("{}[{}]: holds a NUL character", where, i);
}

void check_rlimits(const std::vector<Rlimit>& limits) {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < limits.size(); ++i) {
        const Rlimit& limit = limits[i];
        if (!is_rlimit(limit.type))
            throw Error("process.rlimits[{}].type: unknown limit '{}'", i, printable(limit.type));
        if (!seen.insert(limit.type).second)
            throw Error("process.rlimits[{}].type: '{}' is given twice", i, limit.type);
        if (limit.soft > limit.hard)
            throw Error("process.rlimits[{}]: the soft value {} is over the hard {}", i, limit.soft, limit.hard);
    }
}

void check_hooks(const Hooks& hooks) {
    const std::pair<std::string_view, const std::vector<Hook>&> kinds[] = {{"prestart", hooks.prestart},
                                                                           {"createRuntime", hooks.create_runtime},
                                                                           {"createContainer", hooks.create_container},
                                                                           {"startContainer", hooks.start_container},
                                                                           {"poststart", hooks.poststart},
                                                                           {"poststop", hooks.poststop}};
    for (const auto& [kind, list] : kinds) {
        for (std::size_t i = 0; i < list.size(); ++i) {
            if (!list[i].path.starts_with('/'))
                throw Error("hooks.{}[{}].path: '{}' is not absolute", kind, i, printable(list[i].path));
            if (list[i].timeout && *list[i].timeout <= 0)
                throw Error("hooks.{}[{}].timeout: expected a number above 0", kind, i);
        }
    }
}

void check(const Spec& spec, const CgroupHost& host) {
    if (spec.process) check_process(*spec.process);
    if (spec.mounts.size() > most_mounts)
        throw Error("mounts: {} are more than the {} allowed", spec.mounts.size(), most_mounts);
    const NamespacePlan namespaces = plan_namespaces(spec);
    (void)plan_root(spec);
    (void)plan_sysctls(spec.linux_.sysctl, namespaces);
    if (spec.linux_.personality) check_personality(*spec.linux_.personality);
    check_hooks(spec.hooks);
    try {
        (void)plan_cgroup(host, spec.linux_.resources);
        (void)device_program_v2(spec.linux_.resources.devices);
    } catch (Error& error) {
        error.while_doing("linux.resources");
        throw;
    }
}

} // namespace

void check_process(const Process& process) {
    if (process.args.empty() || process.args.front().empty())
        throw Error("process.args: no command").with_exit_code(ExitCode::not_found);
    if (!process.cwd.starts_with('/')) throw Error("process.cwd: '{}' is not absolute", printable(process.cwd));
    check_words(process.args, "process.args");
    check_words(process.env, "process.env");
    check_rlimits(process.rlimits);
    if (process.oom_score_adj && (*process.oom_score_adj < -1000 || *process.oom_score_adj > 1000))
        throw Error("process.oomScoreAdj: expected a number from -1000 to 1000");
    if (process.user.umask && *process.user.umask > 0777)
        throw Error("process.user.umask: expected a number from 0 to 511");
    check_scheduling(process);
}

void check_spec(const Spec& spec, const CgroupHost& host, std::string_view where) {
    try {
        check(spec, host);
    } catch (Error& error) {
        error.while_doing("{}", where);
        throw;
    }
}

} // namespace kist::oci
