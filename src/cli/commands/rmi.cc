// SPDX-License-Identifier: Apache-2.0
// kist rmi: removes names of images, and images that have none left.
#include "base/error.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/image_use_cases.hh"

namespace kist::cli::command {
namespace {

struct Remove : engine::ImageRemoveOptions {
    bool all = false;
};

constexpr auto options = sorted(std::to_array<Option<Remove>>({
    {{"a,all", "", "Every image"}, &Remove::all},
    {{"f,force", "", "Also when it has several names or a stopped container uses it"}, &Remove::force},
    {{"i,ignore", "", "No error for an image that does not exist"}, &Remove::ignore},
    {{"no-prune", "", "Keep the images below it that have no name"}, &Remove::no_prune},
}));

int remove_images(Session& session) {
    Remove o;
    std::vector<std::string> names = parse_into(o, options, session);
    if (o.all && !names.empty()) throw UsageError("--all and an image exclude each other: '{}'", names.front());
    if (!o.all && names.empty()) throw UsageError("'kist rmi' needs at least 1 argument");
    engine::Engine& engine = session.engine();
    if (!o.all) o.warn = print_warning;
    if (o.all) {
        o.force = true;
        for (const storage::ImageRecord& image : engine.images().all()) names.push_back(image.id);
    }
    return for_each(names, [&](const std::string& name) {
        for (const std::string& line : engine::remove_image(engine, name, o)) print_line(line);
    });
}

} // namespace

const Command rmi{.path = "image rm",
                  .shortcut = "rmi",
                  .alias = "image remove",
                  .summary = "Remove images",
                  .usage = "IMAGE [IMAGE...]",
                  .section = Section::image,
                  .completes = Completes::image,
                  .operands = operands::any,
                  .options = facts_of<options>,
                  .run = remove_images};

} // namespace kist::cli::command
