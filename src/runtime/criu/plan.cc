// SPDX-License-Identifier: Apache-2.0
#include "runtime/criu/plan.hh"

#include <algorithm>

#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>

#include "base/error.hh"
#include "base/in_root.hh"
#include "base/text.hh"
#include "oci/run/mount_plan.hh"

namespace kist::runtime::criu {

namespace {

using oci::MountStep;
using oci::NamespaceType;

bool is_below(std::string_view path, std::string_view folder) {
    return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

/// What of a plan criu has no way to make again.
void check(const oci::RootPlan& files) {
    for (const MountStep& step : files.steps) {
        if (step.options.idmap != oci::Idmap::none)
            throw Error("mount '{}': a mount with mapped ids cannot be restored", step.target);
        if (!step.options.subpath.empty())
            throw Error("mount '{}': a mount of a subpath cannot be restored", step.target);
    }
}

/// Namespaces of others: criu joins these kinds by descriptor or path.
void check(const oci::Linux& spec) {
    for (const oci::Namespace& wanted : spec.namespaces) {
        using N = NamespaceType;
        const bool joins = wanted.type == N::network || wanted.type == N::pid || wanted.type == N::ipc ||
                           wanted.type == N::uts || wanted.path.empty();
        if (!joins)
            throw Error("linux.namespaces: '{}': a container in another's {} namespace cannot be restored", wanted.path,
                        name_of(wanted.type));
    }
}

oci::RootPlan checked_plan(const oci::Spec& spec) {
    oci::RootPlan files = oci::plan_root(spec);
    check(files);
    check(spec.linux_);
    return files;
}

/// The step of the first `count` in whose mount `path` lies; later ones cover earlier ones.
const MountStep* step_around(const std::vector<MountStep>& steps, std::size_t count, const std::string& path) {
    const MountStep* found = nullptr;
    for (std::size_t i = 0; i < count; ++i) {
        const MountStep& step = steps[i];
        const bool around = step.target == path || is_below(path, step.target);
        if (around && (found == nullptr || step.target.size() >= found->target.size())) found = &step;
    }
    return found;
}

/// The host's: criu is to look neither into it nor for where it came from. Everything else it finds and makes again itself.
bool is_of_the_host(const MountLine& mount, const oci::RootPlan& files) {
    if (mount.type == "cgroup" || mount.type == "cgroup2") return true;
    if (mount.type == "devtmpfs") return true; // masks, and nodes in a user namespace
    if (mount.type == "tmpfs" && contains(files.masked, mount.target)) return false;
    const MountStep* step = step_around(files.steps, files.steps.size(), mount.target);
    return step != nullptr && step->kind == MountStep::Kind::bind;
}

std::vector<Pair> mounts_to_name(const std::vector<MountLine>& mounts, const oci::RootPlan& files) {
    std::vector<Pair> named;
    for (const MountLine& mount : mounts)
        if (is_of_the_host(mount, files)) named.push_back({mount.target, mount.target});
    return named;
}

/// The words that other runtimes use too.
constexpr const char* key_of(NamespaceType type) {
    return type == NamespaceType::pid ? "extRootPidNS" : "extRootNetNS";
}
constexpr const char* kind_of(NamespaceType type) {
    switch (type) {
    case NamespaceType::network: return "net";
    case NamespaceType::pid: return "pid";
    case NamespaceType::ipc: return "ipc";
    default: return "uts";
    }
}
/// criu takes these as they are; of other kinds it makes its own on dump, and joins one on restore.
bool is_external(NamespaceType type) { return type == NamespaceType::network || type == NamespaceType::pid; }

/// What criu calls a file that is not in the container's mounts; empty for what it can dump.
std::string external_file(const Stream& stream, const std::vector<MountLine>& mounts) {
    if (!stream.link.starts_with('/') || stream.is_terminal) return {};
    const bool inside =
        std::any_of(mounts.begin(), mounts.end(), [&](const MountLine& mount) { return mount.id == stream.mount; });
    return inside ? std::string() : fmt::format("file[{:x}:{:x}]", stream.mount, stream.inode);
}

void plan_streams(const CheckpointFacts& facts, CheckpointPlan& plan) {
    for (const Stream& stream : facts.streams) {
        const std::string file = external_file(stream, facts.mounts);
        if (!file.empty() && !contains(plan.options.external, file)) plan.options.external.push_back(file);
        plan.descriptors.push_back(file.empty() ? stream.link : file);
    }
}

void set_wishes(Options& options, const Wishes& wishes) {
    options.tcp_established = wishes.tcp_established;
    options.ext_unix_sk = wishes.ext_unix_sk;
    options.shell_job = wishes.shell_job;
    options.file_locks = wishes.file_locks;
    options.auto_dedup = wishes.auto_dedup;
    options.link_remap = wishes.link_remap;
    options.cgroups = wishes.cgroups;
    if (wishes.empty_network) options.empty_namespaces = CLONE_NEWNET;
    options.orphan_pts_master = true; // the master is with whoever has the container's terminal
}

} // namespace

CheckpointPlan plan_checkpoint(const oci::Spec& spec, const CheckpointWishes& wishes, const CheckpointFacts& facts) {
    const oci::RootPlan files = checked_plan(spec);
    CheckpointPlan plan;
    Options& options = plan.options;
    set_wishes(options, wishes);
    options.log_file = dump_log;
    options.pid = facts.pid;
    options.root = facts.rootfs;
    options.leave_running = wishes.leave_running;
    options.parent_images = wishes.parent_images;
    options.track_mem = wishes.pre_dump || !wishes.parent_images.empty();
    options.freeze_cgroup = facts.freezer;
    options.mounts = mounts_to_name(facts.mounts, files);
    for (const auto& [type, inode] : facts.joined)
        if (is_external(type)) options.external.push_back(fmt::format("{}[{}]:{}", kind_of(type), inode, key_of(type)));
    plan_streams(facts, plan);
    return plan;
}

namespace {

/// A bind, and what is mounted below its source by now.
void add_bind(std::vector<Pair>& mounts, const MountStep& step, const std::vector<MountLine>& host) {
    mounts.push_back({step.target, step.source});
    if (!step.options.recursive_bind) return;
    for (const MountLine& mount : host)
        if (is_below(mount.target, step.source))
            mounts.push_back({step.target + mount.target.substr(step.source.size()), mount.target});
}

void add_cgroup(std::vector<Pair>& mounts, const MountStep& step, const oci::CgroupView& view) {
    if (!view.unified.empty()) return mounts.push_back({step.target, view.unified});
    for (const auto& [name, folder] : view.hierarchies) mounts.push_back({step.target + "/" + name, folder});
}

/// A read-only path in a bind is a mount of the host's too.
void add_read_only(std::vector<Pair>& mounts, const oci::RootPlan& files) {
    for (const std::string& path : files.read_only) {
        const std::string whole = clean_path(path);
        const MountStep* step = step_around(files.steps, files.steps.size(), whole);
        if (step != nullptr && step->kind == MountStep::Kind::bind && is_below(whole, step->target))
            mounts.push_back({whole, step->source + whole.substr(step->target.size())});
    }
}

/// More than was dumped does no harm: criu asks for a word when it comes to it.
std::vector<Pair> mounts_to_give(const oci::RootPlan& files, const RestoreFacts& facts) {
    std::vector<Pair> mounts;
    for (const MountStep& step : files.steps) {
        if (step.kind == MountStep::Kind::bind) add_bind(mounts, step, facts.mounts);
        if (step.kind == MountStep::Kind::cgroup) add_cgroup(mounts, step, facts.cgroup_view);
    }
    add_read_only(mounts, files);
    for (const std::string& path : files.masked) mounts.push_back({clean_path(path), "/dev/null"});
    for (const oci::Device& device : files.devices.nodes) mounts.push_back({device.path, device.path});
    return mounts;
}

/// What lies in a file system that was made for the container comes back with its content.
std::vector<MountPoint> points_to_make(const std::vector<MountStep>& steps, const std::string& rootfs) {
    std::vector<MountPoint> points;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const MountStep& step = steps[i];
        const std::string source = step.kind == MountStep::Kind::bind ? step.source : "";
        const MountStep* around = step_around(steps, i, step.target);
        if (around == nullptr) points.push_back({rootfs, step.target, source});
        else if (around->kind == MountStep::Kind::bind && around->target != step.target)
            points.push_back({around->source, step.target.substr(around->target.size()), source});
    }
    return points;
}

/// The restrictions that the spec puts on mounts.
std::vector<MountFlags> flags_to_set(const oci::RootPlan& files) {
    constexpr std::uint64_t restrictions =
        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW;
    std::vector<MountFlags> flags;
    const auto add = [&](const std::string& path, std::uint64_t wanted, bool tree) {
        if ((wanted & restrictions) != 0) flags.push_back({path, wanted & restrictions, tree});
    };
    if (files.root_read_only) add("/", MOUNT_ATTR_RDONLY, false);
    for (const MountStep& step : files.steps) {
        add(step.target, step.options.flags, false);
        add(step.target, step.options.tree.set, true);
    }
    for (const std::string& path : files.masked) add(clean_path(path), oci::mask_flags, false);
    for (const std::string& path : files.read_only) add(clean_path(path), MOUNT_ATTR_RDONLY, false);
    return flags;
}

void plan_namespaces(const oci::Linux& spec, RestorePlan& plan) {
    for (const oci::Namespace& wanted : spec.namespaces) {
        if (wanted.path.empty()) continue;
        if (!is_external(wanted.type)) {
            plan.options.joined_namespaces.push_back({kind_of(wanted.type), wanted.path});
            continue;
        }
        plan.files.push_back(wanted.path);
        const int number = socket_number + static_cast<int>(plan.files.size());
        plan.options.inherited.push_back({key_of(wanted.type), number});
    }
}

void plan_streams(const std::vector<std::string>& descriptors, Options& options) {
    for (std::size_t i = 0; i < descriptors.size() && i < 3; ++i)
        if (descriptors[i].starts_with("pipe:[") || descriptors[i].starts_with("file["))
            options.inherited.push_back({descriptors[i], static_cast<int>(i)});
}

} // namespace

RestorePlan plan_restore(const oci::Spec& spec, const RestoreWishes& wishes, const RestoreFacts& facts) {
    const oci::RootPlan files = checked_plan(spec);
    RestorePlan plan;
    Options& options = plan.options;
    set_wishes(options, wishes);
    options.log_file = restore_log;
    options.root = facts.root;
    options.restore_as_sibling = true; // our child, not criu's
    options.evasive_devices = true;
    options.cgroup_root = facts.cgroup;
    options.controllers = facts.controllers;
    options.mounts = mounts_to_give(files, facts);
    options.lsm_profile = wishes.lsm_profile;
    options.lsm_mount_context = wishes.lsm_mount_context;
    plan_namespaces(spec.linux_, plan);
    plan_streams(facts.descriptors, options);
    options.images_folder = socket_number + 1 + static_cast<int>(plan.files.size());
    options.work_folder = options.images_folder + 1;
    plan.points = points_to_make(files.steps, facts.rootfs);
    plan.flags = flags_to_set(files);
    return plan;
}

std::vector<std::string> errors_of_log(std::string_view log) {
    constexpr std::size_t most = 3;
    std::vector<std::string> errors;
    for (const std::string& line : split(log, '\n')) {
        // "(00.012345)     42: Error (criu/mount.c:1088): mnt: No mapping for …"
        const std::size_t at = line.find("Error (");
        if (at == std::string::npos) continue;
        const std::size_t colon = line.find("): ", at);
        if (colon != std::string::npos) errors.push_back(printable(trim(std::string_view(line).substr(colon + 3))));
    }
    // The last one only says that it failed.
    if (errors.size() > 1 && errors.back().ends_with("FAILED.")) errors.pop_back();
    if (errors.size() > most) errors.erase(errors.begin(), errors.end() - most);
    return errors;
}

} // namespace kist::runtime::criu
