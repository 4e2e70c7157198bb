// SPDX-License-Identifier: Apache-2.0
// kist image inspect: everything about images, as Docker lays it out.
#include "cli/commands/all.hh"
#include "cli/documents.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/image_use_cases.hh"

namespace kist::cli::command {
namespace {

struct Inspect {
    std::optional<std::string> format;
};

constexpr auto options = std::to_array<Option<Inspect>>({
    {{"f,format", "FORMAT", "'json' or a template"}, &Inspect::format},
});

int inspect_images(Session& session) {
    Inspect o;
    const std::vector<std::string> names = parse_into(o, options, session);
    Documents documents("inspect", o.format);
    engine::Engine& engine = session.engine();
    const int code = for_each(names, [&](const std::string& name) {
        documents.add(engine::inspect_image(engine, engine.images().get(name)));
    });
    documents.finish();
    return code;
}

} // namespace

const Command image_inspect{.path = "image inspect",
                            .shortcut = "",
                            .alias = "",
                            .summary = "Show everything about images",
                            .usage = "IMAGE [IMAGE...]",
                            .section = Section::image,
                            .completes = Completes::image,
                            .operands = operands::at_least_one,
                            .options = facts_of<options>,
                            .run = inspect_images};

} // namespace kist::cli::command
