// SPDX-License-Identifier: Apache-2.0
#include "oci/run/namespaces.hh"

#include <algorithm>
#include <array>

#include <net/if.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/text.hh"
#include "oci/run/user_namespace.hh"

namespace kist::oci {

namespace {

int flag_of(NamespaceType type) {
    switch (type) {
    case NamespaceType::mount: return CLONE_NEWNS;
    case NamespaceType::pid: return CLONE_NEWPID;
    case NamespaceType::network: return CLONE_NEWNET;
    case NamespaceType::ipc: return CLONE_NEWIPC;
    case NamespaceType::uts: return CLONE_NEWUTS;
    case NamespaceType::cgroup: return CLONE_NEWCGROUP;
    case NamespaceType::user: return CLONE_NEWUSER;
    case NamespaceType::time: return CLONE_NEWTIME;
    }
    return 0;
}

void add(NamespacePlan& plan, const Namespace& wanted) {
    const std::string name(name_of(wanted.type));
    const int flag = flag_of(wanted.type);
    if (plan.is_own(flag)) throw Error("linux.namespaces: '{}' is given twice", name);
    if (wanted.path.empty()) {
        if (flag == CLONE_NEWCGROUP) plan.create_cgroup = true;
        else if (flag == CLONE_NEWTIME) plan.create_time = true;
        else plan.create |= static_cast<unsigned>(flag);
        return;
    }
    if (flag == CLONE_NEWNS) throw Error("linux.namespaces: 'mount' cannot be joined, only made");
    if (!wanted.path.starts_with('/')) throw Error("linux.namespaces: the path '{}' is not absolute", wanted.path);
    plan.join.emplace_back(flag, wanted.path);
}

void check_user_namespace(const NamespacePlan& plan, const Linux& spec) {
    if (plan.is_new(CLONE_NEWUSER)) {
        check_id_map(spec.uid_mappings, "linux.uidMappings");
        check_id_map(spec.gid_mappings, "linux.gidMappings");
    } else if (!plan.is_own(CLONE_NEWUSER) && (!spec.uid_mappings.empty() || !spec.gid_mappings.empty())) {
        throw Error("linux.uidMappings and gidMappings: without a 'user' namespace they map nothing");
    }
}

void check_time_offsets(NamespacePlan& plan, const Linux& spec) {
    if (!spec.time_offsets.empty() && !plan.create_time)
        throw Error("linux.timeOffsets: they need a new 'time' namespace");
    for (const auto& [clock, offset] : spec.time_offsets) {
        if (clock != "monotonic" && clock != "boottime")
            throw Error("linux.timeOffsets.{}: expected 'monotonic' or 'boottime'", printable(clock));
        if (offset.nanosecs > 999'999'999)
            throw Error("linux.timeOffsets.{}.nanosecs: expected less than a second", clock);
    }
    plan.time_offsets = spec.time_offsets;
}

} // namespace

bool NamespacePlan::is_own(int flag) const {
    const bool joined = std::any_of(join.begin(), join.end(), [&](const auto& entry) { return entry.first == flag; });
    return joined || is_new(flag) || (flag == CLONE_NEWCGROUP && create_cgroup) ||
           (flag == CLONE_NEWTIME && create_time);
}

std::vector<NamespaceType> supported_namespaces() {
    std::vector<NamespaceType> types;
    for (const auto& [type, name] : names_of(NamespaceType{})) types.push_back(type);
    return types;
}

NamespacePlan plan_namespaces(const Spec& spec) {
    NamespacePlan plan;
    for (const Namespace& wanted : spec.linux_.namespaces) add(plan, wanted);
    if (!plan.is_new(CLONE_NEWNS)) throw Error("linux.namespaces: a new 'mount' namespace is required");
    check_user_namespace(plan, spec.linux_);
    check_time_offsets(plan, spec.linux_);
    if ((!spec.hostname.empty() || !spec.domainname.empty()) && !plan.is_own(CLONE_NEWUTS))
        throw Error("a host name can be set only with a 'uts' namespace, else it would be the host's");
    return plan;
}

std::vector<JoinedNamespace> open_namespaces(const NamespacePlan& plan) {
    std::vector<JoinedNamespace> joined;
    for (const auto& [flag, path] : plan.join) {
        Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        if (!fd) throw SysError("opening namespace '{}'", path);
        joined.push_back({flag, path, std::move(fd)});
    }
    return joined;
}

void join_namespaces(const std::vector<JoinedNamespace>& joined) {
    std::vector<const JoinedNamespace*> refused;
    const JoinedNamespace* user = nullptr;
    for (const JoinedNamespace& other : joined) {
        if (other.flag == CLONE_NEWUSER) user = &other;
        else if (::setns(other.fd.get(), other.flag) < 0) refused.push_back(&other);
    }
    if (user != nullptr && ::setns(user->fd.get(), CLONE_NEWUSER) < 0)
        throw SysError("joining namespace '{}'", user->path);
    for (const JoinedNamespace* other : refused)
        if (::setns(other->fd.get(), other->flag) < 0) throw SysError("joining namespace '{}'", other->path);
}

void make_time_namespace(const std::map<std::string, TimeOffset>& offsets) {
    if (::unshare(CLONE_NEWTIME) < 0) throw SysError("making a time namespace");
    if (offsets.empty()) return;
    std::string text;
    for (const auto& [clock, offset] : offsets) text += fmt::format("{} {} {}\n", clock, offset.secs, offset.nanosecs);
    const Fd file{::open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC)};
    if (!file || ::write(file.get(), text.data(), text.size()) < 0) throw SysError("setting linux.timeOffsets");
}

TimeNamespaceForChildren::TimeNamespaceForChildren(const std::map<std::string, TimeOffset>& offsets)
    : own_(::open("/proc/self/ns/time", O_RDONLY | O_CLOEXEC)) {
    if (!own_) throw SysError("opening our time namespace");
    try {
        make_time_namespace(offsets);
    } catch (...) {
        (void)::setns(own_.get(), CLONE_NEWTIME);
        throw;
    }
}

TimeNamespaceForChildren::~TimeNamespaceForChildren() {
    // Cannot fail: a process may always return to the namespace it is in itself.
    if (own_) (void)::setns(own_.get(), CLONE_NEWTIME);
}

PidNamespaceForChildren::PidNamespaceForChildren(const Fd& target)
    : own_(::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC)) {
    if (!own_) throw SysError("opening '/proc/self/ns/pid'");
    if (::setns(target.get(), CLONE_NEWPID) < 0) throw SysError("joining the pid namespace");
}

PidNamespaceForChildren::~PidNamespaceForChildren() {
    // Cannot fail: a process may always return to the namespace it is in itself.
    (void)::setns(own_.get(), CLONE_NEWPID);
}

void bring_up_loopback() {
    const Fd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!socket) throw SysError("opening a socket for 'lo'");
    ifreq request{};
    request.ifr_name[0] = 'l';
    request.ifr_name[1] = 'o';
    if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) < 0) throw SysError("reading the flags of 'lo'");
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) < 0) throw SysError("bringing up 'lo'");
}

} // namespace kist::oci
