// SPDX-License-Identifier: Apache-2.0
#include "engine/cgroup_manager.hh"

#include "base/error.hh"
#include "base/fields.hh"
#include "base/text.hh"

namespace kist::engine {

namespace {

std::string clean_path(const std::string& text) {
    if (is_slice(text))
        throw UsageError("invalid --cgroup-parent '{}': it is a slice of systemd, and the cgroup manager is cgroupfs",
                         printable(text))
            .with_hint("see --cgroup-manager");
    if (text.find("..") != text.npos || text.find_first_of(std::string_view("\n\0", 2)) != text.npos)
        throw UsageError("invalid --cgroup-parent '{}'", printable(text));
    std::string path = text;
    if (!path.starts_with('/')) path.insert(0, 1, '/');
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path;
}

std::string clean_slice(const std::string& text) {
    try {
        (void)oci::slice_path(text);
        return text;
    } catch (const Error&) {
        throw UsageError(
            "invalid --cgroup-parent '{}': for systemd cgroup it should be a valid slice named as \"xxx.slice\"",
            printable(text));
    }
}

} // namespace

CgroupManager cgroup_manager_of(const std::vector<std::string>& exec_opts) {
    CgroupManager manager = CgroupManager::cgroupfs;
    for (const std::string& option : exec_opts) {
        const auto [key, value] = split_once(option, '=');
        if (key == "native.cgroupdriver")
            manager = value == name_of(CgroupManager::systemd) ? CgroupManager::systemd : CgroupManager::cgroupfs;
    }
    return manager;
}

bool is_slice(std::string_view cgroup_parent) {
    return !cgroup_parent.starts_with('/') && cgroup_parent.ends_with(".slice");
}

std::string clean_cgroup_parent(CgroupManager manager, const std::string& text) {
    return manager == CgroupManager::systemd ? clean_slice(text) : clean_path(text);
}

std::optional<oci::ScopeName> scope_of(const storage::ContainerConfig& config) {
    if (!is_slice(config.cgroup_parent)) return std::nullopt;
    return oci::ScopeName{config.cgroup_parent, "kist-" + config.id + ".scope"};
}

} // namespace kist::engine
