// SPDX-License-Identifier: Apache-2.0
// kist-oci restore: a container whose processes come out of a folder.
#include "runtime/checkpoint.hh"
#include "runtime/create_options.hh"
#include "runtime/criu/arguments.hh"
#include "runtime/foreground.hh"
#include "runtime/operations.hh"

namespace kist::runtime::command {
namespace {

struct Restore : criu::Arguments {
    std::string bundle = ".";
    std::string console_socket;
    bool detach = false;
    std::string lsm_mount_context;
    std::string lsm_profile;
    bool no_pivot = false;
    bool no_subreaper = false;
    std::string pid_file;
};
constexpr auto options = cli::sorted(
    cli::concat(criu::options_of<Restore>(), bundle_options<Restore>(),
                std::to_array<cli::Option<Restore>>({
                    {{"d,detach", "", "Return once the container runs; the caller supervises it"}, &Restore::detach},
                    {{"lsm-mount-context", "TEXT", "SELinux context of its mounts in place of the one that they had"},
                     &Restore::lsm_mount_context},
                    {{"lsm-profile", "KIND:NAME", "AppArmor profile or SELinux label in place of the one that it had"},
                     &Restore::lsm_profile},
                    {{"no-pivot", "", "Refused: criu changes the root by pivot_root"}, &Restore::no_pivot},
                    {{"no-subreaper", "", "Adopt no orphans, which kist-oci never does"}, &Restore::no_subreaper},
                })));

int restore_container(const Call& call) {
    Restore given;
    const std::string id = parse_into(given, options, call).front();
    if (given.no_pivot) throw UsageError("--no-pivot: criu changes the root by pivot_root(2) only");
    if (!given.detach && !given.console_socket.empty()) throw UsageError("--console-socket is for --detach");
    RestoreOptions wanted{.id = id,
                          .bundle = given.bundle,
                          .images = given.image_path,
                          .work = given.work_path,
                          .console_socket = given.console_socket,
                          .pid_file = given.pid_file,
                          .detach = given.detach,
                          .cgroup_manager = cgroup_manager(call.globals),
                          .wishes = {}};
    criu::set_wishes(wanted.wishes, given);
    wanted.wishes.lsm_profile = given.lsm_profile;
    wanted.wishes.lsm_mount_context = given.lsm_mount_context;
    const Store store = call.store();
    Restored restored = runtime::restore(store, wanted);
    if (given.detach) {
        (void)restored.child.release();
        return 0;
    }
    const int code = wait_in_foreground(std::move(restored.child), std::move(restored.terminal));
    runtime::remove(store, store.open(id), Force::yes);
    return code;
}

} // namespace

const Command restore{.name = "restore",
                      .summary = "Make a container again from what 'checkpoint' wrote",
                      .usage = "ID",
                      .options = cli::facts_of<options>,
                      .run = restore_container};

} // namespace kist::runtime::command
