// SPDX-License-Identifier: Apache-2.0
// The checks here are on words; the executor checks again on what it has opened, since an image can bend any path.
#include "oci/run/mount_plan.hh"

#include <algorithm>
#include <array>
#include <string_view>

#include <sys/stat.h>

#include "base/error.hh"
#include "base/in_root.hh"
#include "oci/run/mount_guard.hh"
#include "oci/run/user_namespace.hh"

namespace kist::oci {

namespace {

Device character(std::string path, std::int64_t major, std::int64_t minor) {
    return {
        .type = "c", .path = std::move(path), .major = major, .minor = minor, .file_mode = 0666, .uid = 0, .gid = 0};
}

std::vector<Device> default_nodes() {
    return {character("/dev/null", 1, 3),   character("/dev/zero", 1, 5),    character("/dev/full", 1, 7),
            character("/dev/random", 1, 8), character("/dev/urandom", 1, 9), character("/dev/tty", 5, 0)};
}

const std::vector<DevicePlan::Link>& default_links() {
    static const std::vector<DevicePlan::Link> links = {
        {"/dev/fd", "/proc/self/fd"},       {"/dev/stdin", "/proc/self/fd/0"}, {"/dev/stdout", "/proc/self/fd/1"},
        {"/dev/stderr", "/proc/self/fd/2"}, {"/dev/core", "/proc/kcore"},      {"/dev/ptmx", "pts/ptmx"}};
    return links;
}

MountStep::Kind kind_of(const Mount& mount, const MountOptions& options) {
    if (options.bind || mount.type == "bind") return MountStep::Kind::bind;
    if (mount.type == "cgroup" || mount.type == "cgroup2") return MountStep::Kind::cgroup;
    return MountStep::Kind::file_system;
}

/// Takes the folders out of the options of an overlay that names its layers one by one.
void take_folders(MountStep& step) {
    step.overlay.kind = RootMount::Kind::overlay;
    std::erase_if(step.options.data, [&](const MountOptions::Datum& datum) {
        if (datum.key == "lowerdir+") step.overlay.lower.push_back(datum.value);
        if (datum.key == "upperdir") step.overlay.upper = datum.value;
        if (datum.key == "workdir") step.overlay.work = datum.value;
        return datum.key == "lowerdir+" || datum.key == "upperdir" || datum.key == "workdir";
    });
    for (const auto& datum : step.options.data)
        step.overlay.options.push_back(datum.is_flag ? datum.key : datum.key + "=" + datum.value);
    step.options.data.clear();
    if (step.overlay.upper.empty() != step.overlay.work.empty()) throw Error("upperdir and workdir go together");
}

bool names_layers(const Mount& mount) {
    return mount.type == "overlay" &&
           std::any_of(mount.options.begin(), mount.options.end(),
                       [](const std::string& word) { return word.starts_with("lowerdir+="); });
}

void check(const MountStep& step) {
    if (step.target == "/") throw Error("the root itself cannot be a mount's destination");
    if (step.kind == MountStep::Kind::bind) {
        if (!step.source.starts_with('/')) throw Error("the source '{}' is not an absolute path", step.source);
        if (!step.options.data.empty())
            throw Error("unknown option '{}' of a bind mount", step.options.data.front().key);
        if (step.options.copy_up) throw Error("option 'tmpcopyup' is for tmpfs only");
    } else {
        const bool has_subpath = !step.options.subpath.empty() && step.kind != MountStep::Kind::overlay;
        if (has_subpath || step.options.seed != MountOptions::Seed::none || step.options.give_to_user ||
            step.options.follow)
            throw Error("a subpath, a seed, a change of owner and a file to follow are for binds only");
        if (step.type.empty() || step.type == "none") throw Error("a mount needs a type");
        if (step.options.copy_up && step.type != "tmpfs") throw Error("option 'tmpcopyup' is for tmpfs only");
    }
    check_below_proc(step);
}

void plan_idmap(MountStep& step, const Mount& mount) {
    if (mount.uid_mappings.empty() != mount.gid_mappings.empty())
        throw Error("uidMappings and gidMappings come together");
    check_ranges(mount.uid_mappings, "uidMappings");
    check_ranges(mount.gid_mappings, "gidMappings");
    step.uid_map = mount.uid_mappings;
    step.gid_map = mount.gid_mappings;
    if (!step.uid_map.empty() && step.options.idmap == Idmap::none) step.options.idmap = Idmap::one;
    if (step.options.idmap != Idmap::none && step.kind != MountStep::Kind::bind)
        throw Error("ids can be mapped of a bind mount only");
}

MountStep plan_step(const Mount& mount) {
    MountStep step;
    step.options = parse_mount_options(mount.options);
    step.kind = kind_of(mount, step.options);
    // Older specifications allowed a relative destination, taken from the root.
    step.target = clean_path(mount.destination.starts_with('/') ? mount.destination : "/" + mount.destination);
    step.type = step.kind == MountStep::Kind::bind ? "bind" : mount.type;
    step.source = mount.source;
    if (mount.type == "bind") step.options.bind = true;
    if (names_layers(mount)) {
        step.kind = MountStep::Kind::overlay;
        take_folders(step);
    }
    plan_idmap(step, mount);
    step.refuse_link = step.target == "/proc" || step.target == "/sys" || step.type == "proc" || step.type == "sysfs";
    check(step);
    return step;
}

/// Shared beats slave beats private: the copy of the host's mounts has to allow the most open volume.
std::uint64_t host_propagation(const RootPlan& plan) {
    std::uint64_t result = MS_PRIVATE;
    for (const MountStep& step : plan.steps) {
        if (step.kind != MountStep::Kind::bind) continue;
        if (step.options.propagation == MS_SHARED) return 0;
        if (step.options.propagation == MS_SLAVE) result = MS_SLAVE;
    }
    if (plan.root_propagation == MS_SHARED) return 0;
    return plan.root_propagation == MS_SLAVE ? std::uint64_t{MS_SLAVE} : result;
}

void check(const Device& device) {
    static constexpr auto types = std::to_array<std::string_view>({"c", "u", "b", "p"});
    if (std::find(types.begin(), types.end(), device.type) == types.end())
        throw Error("device '{}': unknown type '{}'", device.path, device.type);
    if (!device.path.starts_with('/')) throw Error("device '{}': the path is not absolute", device.path);
    if (device.major < 0 || device.minor < 0 || device.major > 0xfff || device.minor > 0xfffff)
        throw Error("device '{}': the number {}:{} is out of range", device.path, device.major, device.minor);
}

/// A bind of the host's /dev brings its own nodes; writing into it would change the host.
bool brings_own_devices(const std::vector<MountStep>& steps) {
    return std::any_of(steps.begin(), steps.end(), [](const MountStep& step) {
        return step.kind == MountStep::Kind::bind && step.target == "/dev";
    });
}

DevicePlan plan_devices(const Spec& spec, const std::vector<MountStep>& steps) {
    DevicePlan plan;
    if (brings_own_devices(steps)) return plan;
    plan.nodes = default_nodes();
    for (Device device : spec.linux_.devices) {
        check(device);
        device.path = clean_path(device.path);
        auto same =
            std::find_if(plan.nodes.begin(), plan.nodes.end(), [&](const Device& d) { return d.path == device.path; });
        if (same != plan.nodes.end()) *same = device;
        else plan.nodes.push_back(device);
    }
    plan.links = default_links();
    return plan;
}

} // namespace

std::uint64_t propagation_flag(const std::string& word) {
    const MountOptions options = parse_mount_options({word});
    if (options.propagation == 0) throw Error("unknown propagation '{}'", word);
    return options.propagation;
}

RootPlan plan_root(const Spec& spec) {
    RootPlan plan;
    for (const Mount& mount : spec.mounts) {
        try {
            plan.steps.push_back(plan_step(mount));
        } catch (Error& error) {
            error.while_doing("mounting '{}'", mount.destination);
            throw;
        }
    }
    plan.devices = plan_devices(spec, plan.steps);
    plan.console = spec.process && spec.process->terminal;
    plan.masked = spec.linux_.masked_paths;
    plan.read_only = spec.linux_.readonly_paths;
    for (const auto* paths : {&plan.masked, &plan.read_only})
        for (const std::string& path : *paths)
            if (!path.starts_with('/')) throw Error("masked or read-only path '{}' is not absolute", path);
    plan.label = spec.linux_.mount_label;
    plan.root_read_only = spec.root && spec.root->readonly;
    if (!spec.linux_.rootfs_propagation.empty())
        plan.root_propagation = propagation_flag(spec.linux_.rootfs_propagation);
    plan.host_propagation = host_propagation(plan);
    return plan;
}

} // namespace kist::oci
