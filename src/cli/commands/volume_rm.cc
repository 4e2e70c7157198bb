// SPDX-License-Identifier: Apache-2.0
// kist volume rm: removes volumes that no container uses.
#include "base/error.hh"
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/volumes.hh"

namespace kist::cli::command {
namespace {

struct Remove : engine::VolumeRemoveOptions {
    bool all = false;
};

constexpr auto options = std::to_array<Option<Remove>>({
    {{"a,all", "", "Every volume"}, &Remove::all},
    {{"f,force", "", "Remove the containers that use it first; a missing one is no error"}, &Remove::force},
    {{"t,time,timeout", "SECONDS", "With --force: how long running containers have to stop (default 0)"},
     &Remove::timeout},
});

int remove_volumes(Session& session) {
    Remove o;
    std::vector<std::string> names = parse_into(o, options, session);
    if (o.all && !names.empty())
        throw UsageError("--all and a volume exclude each other: '{}'", printable(names.front()));
    if (!o.all && names.empty()) throw UsageError("'kist volume rm' needs at least 1 argument");
    if (o.timeout && !o.force) throw UsageError("--time needs --force");
    engine::Engine& engine = session.engine();
    if (o.all) names = engine.volumes().names();
    return for_each(names, [&](const std::string& name) {
        engine::remove_volume(engine, name, o);
        print_line(name);
    });
}

} // namespace

const Command volume_rm{.path = "volume rm",
                        .shortcut = "",
                        .alias = "volume remove",
                        .summary = "Remove volumes",
                        .usage = "VOLUME [VOLUME...]",
                        .section = Section::volume,
                        .completes = Completes::volume,
                        .operands = operands::any,
                        .options = facts_of<options>,
                        .run = remove_volumes};

} // namespace kist::cli::command
