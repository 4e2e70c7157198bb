// SPDX-License-Identifier: Apache-2.0
// kist-oci checkpoint: writes a container's processes into a folder.
#include "runtime/checkpoint.hh"

#include "runtime/criu/arguments.hh"

namespace kist::runtime::command {
namespace {

struct Checkpoint : criu::Arguments {
    bool leave_running = false;
    std::string parent_path;
    bool pre_dump = false;
};
constexpr auto options = cli::sorted(cli::concat(
    criu::options_of<Checkpoint>(),
    std::to_array<cli::Option<Checkpoint>>({
        {{"leave-running", "", "The container goes on; otherwise it ends"}, &Checkpoint::leave_running},
        {{"parent-path", "FOLDER", "Write only the memory that changed since that checkpoint, a path from the images"},
         &Checkpoint::parent_path},
        {{"pre-dump", "", "Write the memory alone, for a later checkpoint; the container goes on"},
         &Checkpoint::pre_dump},
    })));

int checkpoint_container(const Call& call) {
    Checkpoint given;
    const std::string id = parse_into(given, options, call).front();
    CheckpointOptions wanted{.images = given.image_path, .work = given.work_path, .wishes = {}};
    criu::set_wishes(wanted.wishes, given);
    wanted.wishes.leave_running = given.leave_running;
    wanted.wishes.pre_dump = given.pre_dump;
    wanted.wishes.parent_images = given.parent_path;
    runtime::checkpoint(call.store().open(id), wanted);
    return 0;
}

} // namespace

const Command checkpoint{.name = "checkpoint",
                         .summary = "Write the processes of a container into a folder, by criu",
                         .usage = "ID",
                         .options = cli::facts_of<options>,
                         .run = checkpoint_container};

} // namespace kist::runtime::command
