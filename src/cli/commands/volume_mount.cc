// SPDX-License-Identifier: Apache-2.0
// kist volume mount and unmount: where the host finds the files of volumes. They lie in folders of the host, so there is nothing to
// mount; scripts for Podman ask all the same.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/volumes.hh"

namespace kist::cli::command {
namespace {

int mount_volumes(Session& session) {
    const std::vector<std::string> names = parse_operands(session);
    engine::Engine& engine = session.engine();
    return for_each(names, [&](const std::string& name) { print_line(engine::volume_path(engine, name)); });
}

int unmount_volumes(Session& session) {
    const std::vector<std::string> names = parse_operands(session);
    engine::Engine& engine = session.engine();
    return for_each(names, [&](const std::string& name) {
        engine::volume_path(engine, name);
        print_line(name);
    });
}

} // namespace

const Command volume_mount{.path = "volume mount",
                           .shortcut = "",
                           .alias = "",
                           .summary = "Print the folders in which volumes lie on the host",
                           .usage = "VOLUME [VOLUME...]",
                           .section = Section::volume,
                           .completes = Completes::volume,
                           .operands = operands::at_least_one,
                           .run = mount_volumes};

const Command volume_unmount{.path = "volume unmount",
                             .shortcut = "",
                             .alias = "volume umount",
                             .summary = "The end of 'volume mount': prints the names",
                             .usage = "VOLUME [VOLUME...]",
                             .section = Section::volume,
                             .completes = Completes::volume,
                             .operands = operands::at_least_one,
                             .run = unmount_volumes};

} // namespace kist::cli::command
