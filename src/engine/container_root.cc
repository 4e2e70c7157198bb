// SPDX-License-Identifier: Apache-2.0
// Getting hold of a container's files.
#include "engine/container_root.hh"

#include <cerrno>
#include <exception>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/in_root.hh"
#include "base/process.hh"
#include "engine/mount_facts.hh"
#include "engine/repair.hh"
#include "engine/volume_source.hh"
#include "oci/run/mount_api.hh"
#include "oci/run/mount_plan.hh"
#include "oci/run/mount_steps.hh"
#include "oci/run/root_mount.hh"

namespace kist::engine {

namespace {

using storage::ContainerConfig;
using storage::ContainerView;
using storage::Status;

bool runs(const ContainerView& view) { return view.damage.empty() && view.state.pid != 0; }

ContainerView checked(ContainerView view) {
    if (!view.damage.empty()) throw Error("container '{}': {}", view.config.name, view.damage);
    if (view.state.status == Status::removing || view.state.status == Status::dead)
        throw Error("container '{}' is marked for removal", view.config.name).with_exit_code(ExitCode::failure);
    return view;
}

std::optional<Fd> find_init(const ContainerView& view) {
    auto pidfd = open_pidfd(view.state.pid);
    if (!pidfd || process_start_time(view.state.pid) != view.state.pid_start_time) return std::nullopt;
    return pidfd;
}

/// Whether a volume that was never mounted gets the image's files: not by who only looks.
enum class Seeding { no, yes };

/// What is mounted afterwards dies with this process.
void own_mount_namespace() {
    if (::unshare(CLONE_NEWNS) != 0) throw SysError("making a mount namespace");
}

/// As a bind; nothing for what exists only while the container runs.
std::optional<oci::Mount> plain_mount(Engine& engine, const storage::MountConfig& mount, Seeding seeding) {
    if (mount.type == "volume") {
        const auto record = engine.volumes().find(mount.name);
        if (!record || plan_volume_source(*record).kind == VolumeSource::Kind::file_system) return std::nullopt;
        const bool is_fresh = seeding == Seeding::yes && engine.volumes().is_fresh(mount.name);
        return plan_volume_mount(mount, *record, {engine.volumes().data_path(mount.name), is_fresh});
    }
    if (mount.type != "bind") return std::nullopt;
    oci::Mount plain{
        .destination = mount.destination, .type = "bind", .source = mount.source, .options = {"rbind", "rprivate"}};
    if (!mount.read_write) plain.options.push_back("ro");
    return plain;
}

/// The user's own mounts of host folders and volumes, as the container would have them.
std::vector<oci::MountStep> bind_steps(Engine& engine, const ContainerConfig& config, Seeding seeding) {
    oci::Spec spec;
    for (const storage::MountConfig& mount : config.mounts) {
        auto plain = plain_mount(engine, mount, seeding);
        struct stat st;
        // A source that went away must not keep the rest of the container out of reach.
        if (plain && ::stat(plain->source.c_str(), &st) == 0) spec.mounts.push_back(std::move(*plain));
    }
    std::vector<oci::MountStep> steps = oci::plan_root(spec).steps;
    std::erase_if(steps, [](const oci::MountStep& step) { return step.kind != oci::MountStep::Kind::bind; });
    return steps;
}

/// A mount can be copied by members of its namespace only. A thread joins it, with root and working directory of its own, for
/// this one call: for the rest of us "/" stays what it is.
Fd clone_root_of(const Fd& init, const Fd& root, oci::Depth depth) {
    Fd copy;
    std::exception_ptr failure;
    std::thread([&] {
        try {
            if (::unshare(CLONE_FS) != 0 || ::setns(init.get(), CLONE_NEWNS) != 0)
                throw SysError("entering the container's mount namespace");
            copy = oci::clone_mount(root, depth);
        } catch (...) {
            failure = std::current_exception();
        }
    }).join();
    if (failure) std::rethrow_exception(failure);
    return copy;
}

} // namespace

Fd open_init(const ContainerView& view) {
    auto pidfd = find_init(view);
    if (!pidfd) throw Error("container {} is not running", view.config.id).with_exit_code(ExitCode::failure);
    return std::move(*pidfd);
}

ContainerRoot::ContainerRoot(Engine& engine, const ContainerId& id, Show show, Access access) {
    constexpr int attempts = 500;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        view_ = checked(settled_view(engine, id));
        if (!runs(view_)) {
            if (access == Access::read && open_for_reading(engine, id, show)) return;
            lock_ = engine.containers().lock(id);
            view_ = checked(settle_locked(engine, id));
        }
        if (!runs(view_)) {
            const Dir data = engine.containers().data_dir(id);
            mount_stopped(engine, plan_container_root(engine, view_.config, data), show);
            return;
        }
        lock_.reset(); // it was started while we waited
        if (open_running(show)) return;
        ::usleep(2000); // between the end of its process and the end of its monitor
    }
    throw Error("container '{}' is started and ends again and again", view_.config.name);
}

/// False when it has ended. The process may do so at any time and its number be given to another: what was opened is init's
/// only if init lives still.
bool ContainerRoot::open_running(Show show) {
    const auto init = find_init(view_);
    const std::string path = fmt::format("/proc/{}/root", view_.state.pid);
    root_ = Fd{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    const int code = errno;
    if (!init || !find_init(view_)) return false;
    if (!root_ && (code == ENOENT || code == ESRCH)) return false; // a zombie has no root
    if (!root_) throw SysError(SysError::Code{code}, "opening the files of container '{}'", view_.config.name);
    if (show == Show::bare) root_ = clone_root_of(*init, root_, oci::Depth::one);
    running_ = true;
    return true;
}

/// Without a lock, all layers read-only; the upper one may be in use by a start that happens meanwhile. False when something
/// would have to be made first.
bool ContainerRoot::open_for_reading(Engine& engine, const ContainerId& id, Show show) {
    if (!view_.config.rootfs.empty()) return false;
    const auto plan = engine.images().read_only_root(view_.config.layer, engine.containers().data_dir(id),
                                                     view_.config.overlay_options);
    if (!plan) return false;
    own_mount_namespace();
    root_ = oci::mount_root(*plan, MS_SLAVE);
    if (show == Show::bare) return true;
    oci::RootPlan mounts;
    mounts.steps = bind_steps(engine, view_.config, Seeding::no);
    for (const oci::MountStep& step : mounts.steps)
        if (!open_in_root_if_exists(root_, step.target, O_PATH)) return false;
    oci::make_mounts(root_, mounts, {});
    return true;
}

void ContainerRoot::mount_stopped(Engine& engine, const oci::RootMount& plan, Show show) {
    own_mount_namespace();
    root_ = oci::mount_root(plan, MS_SLAVE);
    if (show == Show::bare) return;
    oci::RootPlan mounts;
    mounts.steps = bind_steps(engine, view_.config, Seeding::yes);
    oci::make_mounts(root_, mounts, {});
}

Fd ContainerRoot::mount_here() const {
    if (!running_) return oci::clone_mount(root_, oci::Depth::tree);
    Fd copy = clone_root_of(open_init(view_), root_, oci::Depth::tree);
    own_mount_namespace();
    // What we attach must not appear on the host.
    if (::mount(nullptr, "/", nullptr, MS_SLAVE | MS_REC, nullptr) != 0)
        throw SysError("separating the mounts from the host's");
    return copy;
}

Fd mount_layers(Engine& engine, const std::string& top_layer) {
    const auto plan = engine.images().read_only_root(top_layer, std::nullopt);
    if (!plan) return {};
    own_mount_namespace();
    return oci::mount_root(*plan, MS_SLAVE);
}

} // namespace kist::engine
