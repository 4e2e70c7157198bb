// SPDX-License-Identifier: Apache-2.0
#include "oci/run/mount_steps.hh"

#include <algorithm>
#include <array>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.hh"
#include "base/in_root.hh"
#include "base/text.hh"
#include "oci/run/copy_up.hh"
#include "oci/run/host_files.hh"
#include "oci/run/mount_guard.hh"
#include "oci/run/overlay.hh"
#include "oci/run/user_namespace.hh"

namespace kist::oci {

namespace {

/// What the container is made of.
struct Surroundings {
    const RootPlan& plan;
    const CgroupView& cgroup;
    HostFiles& host;
};

struct stat facts_of(const Fd& fd) {
    struct stat facts {};
    if (::fstat(fd.get(), &facts) < 0) throw SysError("reading a file's identity");
    return facts;
}

void refuse_link(const Fd& root, const std::string& path) {
    const auto found = open_in_root_if_exists(root, path, O_PATH | O_NOFOLLOW);
    if (found && !S_ISDIR(facts_of(*found).st_mode)) throw Error("it is not a folder in the image");
}

/// The folder that a mount goes onto, made if missing, and whether it was there.
struct MountTarget {
    Fd fd;
    bool existed = true;
};
MountTarget open_target_folder(const Fd& root, const MountStep& step) {
    if (step.refuse_link) refuse_link(root, step.target);
    MountTarget target;
    if (auto found = open_in_root_if_exists(root, step.target, O_RDONLY | O_DIRECTORY)) target.fd = std::move(*found);
    else target = {make_dirs_in_root(root, step.target), false};
    check_target(step, target.fd);
    return target;
}

/// Attaches, then looks again from the root: had the destination been exchanged meanwhile (CVE-2021-30465), another mount
/// would be seen there.
void place(const Fd& root, const std::string& path, const Fd& mount, const Fd& target) {
    attach_mount(mount, target);
    if (mount_id(open_in_root(root, path, O_PATH)) != mount_id(mount))
        throw Error("the destination was changed while it was being mounted");
}

bool has_datum(const MountOptions& options, std::string_view key) {
    return std::any_of(options.data.begin(), options.data.end(), [&](const auto& datum) { return datum.key == key; });
}

void configure(NewFileSystem& made, const MountStep& step) {
    if (!step.source.empty()) made.set("source", step.source);
    for (const MountOptions::Datum& datum : step.options.data) {
        if (datum.is_flag) made.set_flag(datum.key);
        else made.set(datum.key, datum.value);
    }
}

/// Those whose files have no context of their own; the kernel's other file systems are labelled by the policy.
bool takes_label(const std::string& type) { return type == "tmpfs" || type == "devpts" || type == "mqueue"; }

Fd make_file_system(const MountStep& step, const std::string& label, const MountTarget& target, std::uint64_t flags) {
    NewFileSystem made(step.type);
    configure(made, step);
    // As other runtimes do: a tmpfs takes the mode of the folder that it covers.
    if (step.type == "tmpfs" && target.existed && !has_datum(step.options, "mode"))
        made.set("mode", fmt::format("{:o}", facts_of(target.fd).st_mode & 07777));
    if (!label.empty() && takes_label(step.type)) made.set("context", label);
    return made.mount(flags);
}

void mount_file_system(const Fd& root, const MountStep& step, const Surroundings& here, LateSteps& late) {
    const MountTarget target = open_target_folder(root, step);
    if (const auto made = here.host.early.find(step.target); made != here.host.early.end()) {
        place(root, step.target, made->second, target.fd);
        return change_mount(made->second, {.propagation = MS_PRIVATE}, Depth::one);
    }
    const bool read_only_later = step.type == "tmpfs" && (step.options.flags & MOUNT_ATTR_RDONLY) != 0;
    const std::uint64_t not_yet = read_only_later ? MOUNT_ATTR_RDONLY : 0;
    Fd mount = make_file_system(step, here.plan.label, target, step.options.flags & ~not_yet);
    if (step.options.copy_up && target.existed) copy_up(target.fd, mount);
    place(root, step.target, mount, target.fd);
    if (step.options.propagation != 0 && step.options.propagation != MS_PRIVATE)
        change_mount(mount, {.propagation = step.options.propagation}, Depth::one);
    if (step.refuse_link) late.kernel.insert_or_assign(step.target + '/', mount.duplicate());
    if (read_only_later) late.read_only.push_back(std::move(mount));
}

void set_bind_attributes(const Fd& mount, const MountOptions& options, std::uint64_t host_propagation) {
    change_mount(mount, {.set = options.flags}, Depth::one);
    change_mount(mount, options.tree, Depth::tree);
    const std::uint64_t wanted = options.propagation == 0 ? std::uint64_t{MS_PRIVATE} : options.propagation;
    if (wanted == MS_PRIVATE && host_propagation == MS_PRIVATE) return;
    const bool whole = options.propagation == 0 || options.recursive_propagation;
    change_mount(mount, {.propagation = wanted}, whole ? Depth::tree : Depth::one);
}

/// The source or what is below it: what a volume's own user put there may not lead out of it.
Fd open_source(const MountStep& step) {
    Fd source{::open(step.source.c_str(), O_PATH | O_CLOEXEC)};
    if (!source) throw SysError("mounting from '{}'", step.source);
    if (step.options.subpath.empty()) return source;
    try {
        return open_in_root(source, step.options.subpath, O_PATH);
    } catch (Error& error) {
        error.while_doing("subpath of '{}'", step.source);
        throw;
    }
}

} // namespace

Fd clone_source(const MountStep& step) {
    const Depth depth = step.options.recursive_bind ? Depth::tree : Depth::one;
    return step.options.subpath.empty() ? clone_host_mount(step.source, depth) : clone_mount(open_source(step), depth);
}

Fd prepare_bind(const MountStep& step, const Fd& user_namespace) {
    Fd mount = clone_source(step);
    const Depth depth = step.options.idmap == Idmap::tree ? Depth::tree : Depth::one;
    if (step.options.idmap != Idmap::none)
        idmap_mount(mount,
                    step.uid_map.empty() ? user_namespace.duplicate() : make_user_namespace(step.uid_map, step.gid_map),
                    depth);
    set_bind_attributes(mount, step.options, 0);
    return mount;
}

namespace {

void seed_source(const Fd& root, const MountStep& step, LateSteps& late) {
    const auto image = open_in_root_if_exists(root, step.target, O_RDONLY | O_DIRECTORY);
    const Fd none;
    for (LateOwner& owner : seed_volume(step.source, image ? *image : none, step.options))
        late.owners.push_back(std::move(owner));
}

void note_owner(const MountStep& step, LateSteps& late) {
    const Fd source = open_source(step);
    if (!S_ISDIR(facts_of(source).st_mode)) throw Error("only a folder can be given to the container's user");
    Fd folder{::openat(source.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!folder) throw SysError("opening '{}'", step.source);
    late.owners.push_back({std::move(folder), true});
}

/// `prepared` comes from outside the namespace, so nothing has cut it off from the host's propagation yet.
void mount_bind(const Fd& root, const MountStep& step, Fd prepared, const Surroundings& here, LateSteps& late) {
    const std::uint64_t host_propagation = prepared ? 0 : here.plan.host_propagation;
    if (step.options.seed != MountOptions::Seed::none) seed_source(root, step, late);
    if (step.options.give_to_user) note_owner(step, late);
    const Fd mount = prepared ? std::move(prepared) : clone_source(step);
    check_proc_source(step, mount);
    MountTarget target;
    if (S_ISDIR(facts_of(mount).st_mode)) {
        target = open_target_folder(root, step);
    } else {
        target.fd = make_file_in_root(root, step.target);
        check_target(step, target.fd);
    }
    set_bind_attributes(mount, step.options, host_propagation);
    place(root, step.target, mount, target.fd);
    if (step.refuse_link) late.kernel.insert_or_assign(step.target + '/', mount.duplicate());
}

/// A copy of what is below an overlay: of a detached mount Linux 6.15 can make one.
Fd clone_below(const Fd& overlay, const std::string& subpath) {
    try {
        return clone_mount(open_in_root(overlay, subpath, O_PATH), Depth::one);
    } catch (SysError& error) {
        if (error.code == EINVAL) error.with_hint("a subpath of an image of several layers needs Linux 6.15");
        error.while_doing("subpath '{}'", subpath);
        throw;
    }
}

/// One layer without anything on top is no overlay for the kernel, but a folder.
Fd one_layer(const MountStep& step) {
    MountStep folder = step;
    folder.source = step.overlay.lower.front();
    return clone_source(folder);
}

void mount_overlay(const Fd& root, const MountStep& step) {
    if (step.overlay.upper.empty() && step.overlay.lower.size() == 1) {
        const Fd mount = one_layer(step);
        change_mount(mount, {.set = step.options.flags | MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE}, Depth::one);
        MountTarget target;
        if (S_ISDIR(facts_of(mount).st_mode)) target = open_target_folder(root, step);
        else target.fd = make_file_in_root(root, step.target);
        check_target(step, target.fd);
        return place(root, step.target, mount, target.fd);
    }
    const MountTarget target = open_target_folder(root, step);
    Fd mount = make_overlay(step.overlay, fmt::format("/proc/self/fd/{}", target.fd.get()));
    const bool attached = !mount;
    if (attached) mount = open_in_root(root, step.target, O_PATH | O_DIRECTORY);
    if (!attached && !step.options.subpath.empty()) mount = clone_below(mount, step.options.subpath);
    change_mount(mount, {.set = step.options.flags, .propagation = MS_PRIVATE}, Depth::one);
    if (!attached) place(root, step.target, mount, target.fd);
}

void bind_folder(const Fd& root, Fd mount, const std::string& path, const Fd& target, std::uint64_t flags) {
    change_mount(mount, {.set = flags, .propagation = MS_PRIVATE}, Depth::one);
    place(root, path, mount, target);
}

Fd cgroup_folder(HostFiles& host, std::size_t index, const std::string& path) {
    if (index < host.cgroups.size() && host.cgroups[index]) return std::move(host.cgroups[index]);
    return clone_host_mount(path, Depth::one);
}

void mount_cgroup(const Fd& root, const MountStep& step, const CgroupView& view, HostFiles& host) {
    const MountTarget target = open_target_folder(root, step);
    if (!view.unified.empty())
        return bind_folder(root, cgroup_folder(host, 0, view.unified), step.target, target.fd, step.options.flags);

    NewFileSystem made("tmpfs");
    made.set("source", "cgroup");
    made.set("mode", "755");
    const Fd tmpfs = made.mount(step.options.flags & ~std::uint64_t{MOUNT_ATTR_RDONLY});
    place(root, step.target, tmpfs, target.fd);
    std::size_t index = 0;
    for (const auto& [name, folder] : view.hierarchies) {
        if (::mkdirat(tmpfs.get(), name.c_str(), 0755) < 0) throw SysError("making folder '{}'", name);
        const Fd below{::openat(tmpfs.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
        if (!below) throw SysError("opening folder '{}'", name);
        bind_folder(root, cgroup_folder(host, index++, folder), step.target + "/" + name, below, step.options.flags);
        if (name.find(',') == std::string::npos) continue;
        for (const std::string& controller : split(name, ','))
            if (::symlinkat(name.c_str(), tmpfs.get(), controller.c_str()) < 0 && errno != EEXIST)
                throw SysError("making link '{}'", controller);
    }
    change_mount(tmpfs, {.set = step.options.flags & MOUNT_ATTR_RDONLY}, Depth::one);
}

void make_mount(const Fd& root, std::size_t index, const Surroundings& here, LateSteps& late) {
    const MountStep& step = here.plan.steps[index];
    std::vector<Fd>& binds = here.host.binds;
    switch (step.kind) {
    case MountStep::Kind::file_system: return mount_file_system(root, step, here, late);
    case MountStep::Kind::bind:
        return mount_bind(root, step, index < binds.size() ? std::move(binds[index]) : Fd(), here, late);
    case MountStep::Kind::cgroup: return mount_cgroup(root, step, here.cgroup, here.host);
    case MountStep::Kind::overlay: return mount_overlay(root, step);
    }
}

} // namespace

/// The host's /dev/null, proven to be it: an image's could be a link to a file worth writing to (CVE-2025-31133).
/// Read-only, which a device's data does not mind, so that the container cannot change the mode of the host's node.
Fd open_null_device() {
    const Fd null{::open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    if (!null) throw SysError("opening '/dev/null'");
    const struct stat facts = facts_of(null);
    if (!S_ISCHR(facts.st_mode) || facts.st_rdev != makedev(1, 3))
        throw Error("the host's '/dev/null' is not the null device");
    return clone_mount(null, Depth::one);
}

namespace {

/// Each mask is one more copy of the first of its kind; a copy can be made only of what is attached (before Linux 6.15).
class Masks {
public:
    explicit Masks(Fd null) : null_(std::move(null)) {}
    void hide(const Fd& found) {
        if (S_ISDIR(facts_of(found).st_mode))
            attach(folder_, found, [] { return NewFileSystem("tmpfs").mount(mask_flags | MOUNT_ATTR_NODEV); });
        else
            attach(file_, found, [this] {
                Fd null = null_ ? std::move(null_) : open_null_device();
                change_mount(null, {.set = mask_flags, .propagation = MS_PRIVATE}, Depth::one);
                return null;
            });
    }

private:
    template <typename Make>
    static void attach(std::optional<Fd>& first, const Fd& target, Make make) {
        if (first) return attach_mount(clone_mount(*first, Depth::one), target);
        first = make();
        attach_mount(*first, target);
    }
    Fd null_;
    std::optional<Fd> folder_, file_;
};

} // namespace

EarlyMounts make_early_mounts(const RootPlan& plan) {
    static constexpr auto own =
        std::to_array<std::string_view>({"proc", "sysfs", "tmpfs", "ramfs", "devpts", "mqueue", "overlay"});
    EarlyMounts early;
    for (const MountStep& step : plan.steps) {
        if (step.kind != MountStep::Kind::file_system || std::find(own.begin(), own.end(), step.type) != own.end())
            continue;
        try {
            NewFileSystem made(step.type);
            configure(made, step);
            early.insert_or_assign(step.target, made.mount(step.options.flags));
        } catch (Error& error) {
            error.while_doing("mounting '{}'", step.target);
            throw;
        }
    }
    return early;
}

namespace {
std::string name_of_mount(const std::string& mount) { return mount.substr(mount.rfind('/') + 1); }
} // namespace

CgroupView cgroup_view(const Cgroup& cgroup, bool own_namespace) {
    CgroupView view;
    const std::vector<std::string> v1 = cgroup.v1_mounts();
    if (v1.empty()) {
        view.unified = cgroup.unified_mount() + (own_namespace ? cgroup.path() : "");
        return view;
    }
    for (const std::string& mount : v1) view.hierarchies.emplace_back(name_of_mount(mount), mount + cgroup.path());
    if (!cgroup.unified_mount().empty())
        view.hierarchies.emplace_back(name_of_mount(cgroup.unified_mount()), cgroup.unified_mount() + cgroup.path());
    return view;
}

LateSteps make_mounts(const Fd& root, const RootPlan& plan, const CgroupView& cgroup, HostFiles& host) {
    const Surroundings here{plan, cgroup, host};
    LateSteps late;
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        try {
            make_mount(root, i, here, late);
        } catch (Error& error) {
            error.while_doing("mounting '{}'", plan.steps[i].target);
            throw;
        }
    }
    return late;
}

LateSteps make_mounts(const Fd& root, const RootPlan& plan, const CgroupView& cgroup) {
    HostFiles by_path;
    return make_mounts(root, plan, cgroup, by_path);
}

namespace {

std::optional<Fd> find(const Fd& root, const std::map<std::string, Fd>& kernel, const std::string& path) {
    const std::string whole = clean_path(path);
    for (const auto& [folder, mount] : kernel)
        if (whole.starts_with(folder)) return open_in_root_if_exists(mount, whole.substr(folder.size()), O_PATH);
    return open_in_root_if_exists(root, whole, O_PATH);
}

} // namespace

void mask_paths(const Fd& root, const std::map<std::string, Fd>& kernel, const std::vector<std::string>& paths,
                Fd null) {
    Masks masks(std::move(null));
    for (const std::string& path : paths) {
        try {
            if (const auto found = find(root, kernel, path)) masks.hide(*found);
        } catch (Error& error) {
            error.while_doing("masking '{}'", path);
            throw;
        }
    }
}

void protect_paths(const Fd& root, const std::map<std::string, Fd>& kernel, const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
        try {
            const auto found = find(root, kernel, path);
            if (!found) continue;
            const Fd copy = clone_mount(*found, Depth::tree);
            change_mount(copy, {.set = MOUNT_ATTR_RDONLY}, Depth::tree);
            attach_mount(copy, *found);
        } catch (Error& error) {
            error.while_doing("making '{}' read-only", path);
            throw;
        }
    }
}

} // namespace kist::oci
