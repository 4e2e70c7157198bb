// SPDX-License-Identifier: Apache-2.0
// --device and --device-cgroup-rule.
#include <algorithm>

#include <sys/stat.h>

#include "base/in_root.hh"
#include "base/text.hh"
#include "engine/create_parts.hh"

namespace kist::engine {

namespace {

bool is_access(const std::string& text) {
    return !text.empty() && text.size() <= 3 && text.find_first_not_of("rwm") == text.npos;
}

storage::DeviceConfig parse_device(const std::string& text) {
    std::vector<std::string> parts = split(text, ':');
    storage::DeviceConfig device;
    if (parts.empty() || parts.size() > 3 || parts[0].empty())
        throw UsageError("invalid device specification '{}': it is HOST-PATH[:CONTAINER-PATH[:rwm]]", printable(text));
    device.host_path = parts[0];
    device.container_path = parts[0];
    if (parts.size() == 2 && is_access(parts[1])) device.access = parts[1];
    else if (parts.size() >= 2 && !parts[1].empty()) device.container_path = parts[1];
    if (parts.size() == 3) {
        if (!is_access(parts[2]))
            throw UsageError("invalid device mode '{}' in '{}'", printable(parts[2]), printable(text));
        device.access = parts[2];
    }
    for (std::string* path : {&device.host_path, &device.container_path}) {
        if (!path->starts_with('/')) throw UsageError("invalid device path '{}': it is not absolute", printable(*path));
        *path = clean_path(*path);
    }
    struct stat info {};
    const std::string& path = device.host_path;
    if (stat(path.c_str(), &info) != 0) throw SysError("adding device '{}'", path);
    if (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode) && !S_ISDIR(info.st_mode))
        throw Error("adding device '{}': it is neither a device nor a folder of devices", path);
    return device;
}

/// "c 1:3 rwm", with * for any number.
void check_rule(const std::string& text) {
    std::vector<std::string> parts = split(text, ' ');
    auto is_number = [](const std::string& part) { return part == "*" || parse_unsigned(part, UINT32_MAX); };
    bool good = parts.size() == 3 && (parts[0] == "a" || parts[0] == "b" || parts[0] == "c") && is_access(parts[2]);
    if (good) {
        auto [major, minor] = split_once(parts[1], ':');
        good = is_number(major) && minor && is_number(*minor);
    }
    if (!good) throw UsageError("invalid device cgroup format '{}': it is like 'c 1:3 rwm'", printable(text));
}

} // namespace

void interpret_devices(const CreateInput& in, storage::ContainerConfig& config) {
    for (const std::string& text : in.options.devices) config.devices.push_back(parse_device(text));
    for (const std::string& rule : in.options.device_cgroup_rules) check_rule(rule);
    config.device_cgroup_rules = in.options.device_cgroup_rules;
}

} // namespace kist::engine
