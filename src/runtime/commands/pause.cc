// SPDX-License-Identifier: Apache-2.0
// kist-oci pause and resume: all processes of a container stand still.
#include "base/error.hh"
#include "runtime/command.hh"

namespace kist::runtime::command {
namespace {

Container open_in(const Call& call, Status wanted, std::string_view act) {
    Container container = call.store().open(parse_operands(call).front());
    const Status status = container.status();
    if (status == wanted || (wanted == Status::running && status == Status::created)) return container;
    throw Error("cannot {} container '{}': it is {}", act, container.id(), name_of(status));
}

int pause_container(const Call& call) {
    open_in(call, Status::running, "pause").cgroup().freeze();
    return 0;
}

int resume_container(const Call& call) {
    open_in(call, Status::paused, "resume").cgroup().thaw();
    return 0;
}

} // namespace

const Command pause{
    .name = "pause", .summary = "Suspend all processes of a container", .usage = "ID", .run = pause_container};
const Command resume{
    .name = "resume", .summary = "Let a paused container go on", .usage = "ID", .run = resume_container};

} // namespace kist::runtime::command
