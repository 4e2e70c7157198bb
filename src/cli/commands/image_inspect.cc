// SPDX-License-Identifier: Apache-2.0
// kist image inspect: everything about images, as Docker lays it out.
#include "cli/commands/all.hh"
#include "cli/documents.hh"
#include "engine/image_use_cases.hh"

namespace kist::cli::command {
namespace {

int inspect_images(Session& session) {
    return inspect_each(session, "inspect", [](engine::Engine& engine, const std::string& name) {
        return engine::inspect_image(engine, engine.images().get(name));
    });
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
                            .options = facts_of<inspect_options>,
                            .run = inspect_images};

} // namespace kist::cli::command
