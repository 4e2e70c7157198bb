// SPDX-License-Identifier: Apache-2.0
#include "oci/run/cgroup_controllers.hh"

#include <algorithm>

#include "base/text.hh"
#include "oci/run/cgroup_files.hh"

namespace kist::oci {

std::vector<std::string> controllers_for(const CgroupHost& host, const Resources& resources) {
    std::vector<std::string> wanted;
    auto add = [&](const std::string& controller) {
        const bool known = host.has_unified_controller(controller);
        if (known && std::find(wanted.begin(), wanted.end(), controller) == wanted.end()) wanted.push_back(controller);
    };
    for (const char* controller : {"cpu", "memory", "pids", "io"}) add(controller);
    if (resources.cpu && (!resources.cpu->cpus.empty() || !resources.cpu->mems.empty())) add("cpuset");
    if (!resources.hugepage_limits.empty()) add("hugetlb");
    if (!resources.rdma.empty()) add("rdma");
    for (const auto& [file, value] : resources.unified) add(split_once(file, '.').first);
    return wanted;
}

void enable_controllers(const CgroupHost& host, const std::string& path, const std::vector<std::string>& wanted) {
    if (wanted.empty()) return;
    const auto present = split(trim(cgroup_files::read(host.unified + path + "/cgroup.controllers").value_or("")), ' ');
    std::vector<std::string> missing;
    for (const std::string& controller : wanted)
        if (std::find(present.begin(), present.end(), controller) == present.end()) missing.push_back(controller);
    if (missing.empty()) return;
    for (std::size_t slash = 0; slash != std::string::npos; slash = path.find('/', slash + 1)) {
        const std::string file = host.unified + path.substr(0, slash) + "/cgroup.subtree_control";
        for (const std::string& controller : missing) cgroup_files::try_write(file, "+" + controller);
    }
}

} // namespace kist::oci
