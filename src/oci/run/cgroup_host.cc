// SPDX-License-Identifier: Apache-2.0
// What control groups this host mounts, from one read of mountinfo (proc(5)).
#include <algorithm>
#include <array>

#include <unistd.h>

#include "base/file.hh"
#include "base/mountinfo.hh"
#include "base/text.hh"
#include "oci/run/cgroup.hh"

namespace kist::oci {

namespace {

constexpr std::array<std::string_view, 15> v1_controllers{"cpu",     "cpuacct",    "cpuset", "memory",  "devices",
                                                          "freezer", "blkio",      "pids",   "net_cls", "net_prio",
                                                          "hugetlb", "perf_event", "rdma",   "misc",    "debug"};

std::string_view next_word(std::string_view& rest) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return word;
}

void add_v1(CgroupHost& host, const std::string& mount, std::string_view super_options) {
    for (const std::string& option : split(super_options, ',')) {
        const bool controller = std::find(v1_controllers.begin(), v1_controllers.end(), option) != v1_controllers.end();
        if (controller || option.starts_with("name=")) host.v1.try_emplace(option, mount);
    }
}

void add_line(CgroupHost& host, std::string_view line) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) return;
    std::string_view tail = line.substr(dash + 3);
    const std::string_view type = next_word(tail);
    if (!type.starts_with("cgroup")) return;
    next_word(tail); // source
    std::string_view head = line;
    for (int skip = 0; skip < 4; ++skip) next_word(head); // mount id, parent, device, root
    const std::string mount = unescape_mountinfo(next_word(head));
    if (type == "cgroup") add_v1(host, mount, tail);
    if (type == "cgroup2" && host.unified.empty()) host.unified = mount;
}

} // namespace

CgroupHost CgroupHost::parse(std::string_view mountinfo) {
    CgroupHost host;
    for (std::size_t at = 0; at < mountinfo.size();) {
        const std::size_t end = std::min(mountinfo.find('\n', at), mountinfo.size());
        add_line(host, mountinfo.substr(at, end - at));
        at = end + 1;
    }
    if (host.v1.empty()) host.kind = Kind::v2;
    else host.kind = host.unified.empty() ? Kind::v1 : Kind::hybrid;
    return host;
}

CgroupHost CgroupHost::detect() {
    CgroupHost host = parse(read_file("/proc/self/mountinfo", 64u << 20));
    if (host.v1.empty() && host.unified.empty())
        throw Error("finding the control groups: no cgroup file system is mounted")
            .with_hint("mount one: mount -t cgroup2 cgroup2 /sys/fs/cgroup");
    if (!host.unified.empty()) {
        const std::string text = read_file(host.unified + "/cgroup.controllers", 4096);
        host.unified_controllers = split(trim(text), ' ');
    }
    // The named hierarchy exists for systemd's book-keeping alone; without it a join is work for
    // nobody.
    if (::access("/run/systemd/system", F_OK) != 0) host.v1.erase("name=systemd");
    return host;
}

std::string CgroupHost::v1_mount(std::string_view controller) const {
    const auto found = v1.find(std::string(controller));
    return found == v1.end() ? std::string() : found->second;
}

bool CgroupHost::has_unified_controller(std::string_view controller) const {
    return std::find(unified_controllers.begin(), unified_controllers.end(), controller) != unified_controllers.end();
}

} // namespace kist::oci
