// SPDX-License-Identifier: Apache-2.0
#include "oci/run/namespaces.hh"

#include <algorithm>
#include <array>

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.hh"

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
    case NamespaceType::user:
    case NamespaceType::time: break;
    }
    return 0;
}

void add(NamespacePlan& plan, const Namespace& wanted) {
    const std::string name(name_of(wanted.type));
    const int flag = flag_of(wanted.type);
    if (flag == 0) throw Error("linux.namespaces: '{}' is not supported yet", name);
    if (plan.is_own(flag)) throw Error("linux.namespaces: '{}' is given twice", name);
    if (wanted.path.empty()) {
        if (flag == CLONE_NEWCGROUP)
            plan.create_cgroup = true;
        else
            plan.create |= static_cast<unsigned>(flag);
        return;
    }
    if (flag == CLONE_NEWNS) throw Error("linux.namespaces: 'mount' cannot be joined, only made");
    if (!wanted.path.starts_with('/')) throw Error("linux.namespaces: the path '{}' is not absolute", wanted.path);
    plan.join.emplace_back(flag, wanted.path);
}

} // namespace

bool NamespacePlan::is_own(int flag) const {
    const bool joined = std::any_of(join.begin(), join.end(), [&](const auto& entry) { return entry.first == flag; });
    return joined || is_new(flag) || (flag == CLONE_NEWCGROUP && create_cgroup);
}

std::vector<NamespaceType> supported_namespaces() {
    std::vector<NamespaceType> types;
    for (const auto& [type, name] : names_of(NamespaceType{}))
        if (flag_of(type) != 0) types.push_back(type);
    return types;
}

NamespacePlan plan_namespaces(const Spec& spec) {
    NamespacePlan plan;
    for (const Namespace& wanted : spec.linux_.namespaces) add(plan, wanted);
    if (!plan.is_new(CLONE_NEWNS)) throw Error("linux.namespaces: a new 'mount' namespace is required");
    if (!spec.linux_.uid_mappings.empty() || !spec.linux_.gid_mappings.empty())
        throw Error("linux.uidMappings and gidMappings are not supported yet");
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

PidNamespaceForChildren::PidNamespaceForChildren(const Fd& target) : own_(::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC)) {
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
