// SPDX-License-Identifier: Apache-2.0
// kist volume inspect: everything about volumes, as Docker lays it out.
#include "base/error.hh"
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/documents.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/volumes.hh"

namespace kist::cli::command {
namespace {

struct Inspect {
    bool all = false;
    std::optional<std::string> format;
};

constexpr auto options = std::to_array<Option<Inspect>>({
    {{"a,all", "", "Every volume"}, &Inspect::all},
    {{"f,format", "FORMAT", "'json' or a template"}, &Inspect::format},
});

int inspect_volumes(Session& session) {
    Inspect o;
    std::vector<std::string> names = parse_into(o, options, session);
    if (o.all && !names.empty())
        throw UsageError("--all and a volume exclude each other: '{}'", printable(names.front()));
    if (!o.all && names.empty()) throw UsageError("'kist volume inspect' needs at least 1 argument");
    Documents documents("volume inspect", o.format);
    engine::Engine& engine = session.engine();
    if (o.all) names = engine.volumes().names();
    const int code = for_each(names, [&](const std::string& name) {
        documents.add(engine::inspect_volume(engine, engine::view_volume(engine, name)));
    });
    documents.finish();
    return code;
}

} // namespace

const Command volume_inspect{.path = "volume inspect",
                             .shortcut = "",
                             .alias = "",
                             .summary = "Show everything about volumes",
                             .usage = "VOLUME [VOLUME...]",
                             .section = Section::volume,
                             .completes = Completes::volume,
                             .operands = operands::any,
                             .options = facts_of<options>,
                             .run = inspect_volumes};

} // namespace kist::cli::command
