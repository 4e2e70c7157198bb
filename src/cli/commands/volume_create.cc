// SPDX-License-Identifier: Apache-2.0
// kist volume create: makes a volume, on disk when this returns.
#include "base/error.hh"
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/volumes.hh"

namespace kist::cli::command {
namespace {

struct Create : engine::VolumeOptions {
    std::string old_name;
};

constexpr auto options = std::to_array<Option<Create>>({
    {{"d,driver", "NAME", "Volume driver: local (default local)", Completes::words, "local"}, &Create::driver},
    {{"gid", "NUMBER", "Group that owns the volume"}, &Create::gid},
    {{"ignore", "", "No error when it exists"}, &Create::ignore},
    {{"l,label", "KEY[=VALUE]", "Add a label (repeatable)"}, &Create::labels},
    {{"name", "NAME", "The same as the operand, as it was once written"}, &Create::old_name},
    {{"o,opt", "KEY=VALUE", "Option of the driver: type, device, o, size (repeatable)"}, &Create::options},
    {{"uid", "NUMBER", "User that owns the volume"}, &Create::uid},
});

int create_volume(Session& session) {
    Create o;
    const std::vector<std::string> names = parse_into(o, options, session);
    if (!names.empty() && !o.old_name.empty())
        throw UsageError("--name and the operand '{}' exclude each other", printable(names.front()));
    o.name = names.empty() ? o.old_name : names.front();
    if (!names.empty() && o.name.empty()) throw UsageError("the name of a volume is not empty");
    print_line(engine::create_volume(session.engine(), o));
    return 0;
}

} // namespace

const Command volume_create{.path = "volume create",
                            .shortcut = "",
                            .alias = "",
                            .summary = "Create a volume",
                            .usage = "[NAME]",
                            .section = Section::volume,
                            .operands = operands::at_most_one,
                            .options = facts_of<options>,
                            .run = create_volume};

} // namespace kist::cli::command
