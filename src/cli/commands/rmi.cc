// SPDX-License-Identifier: Apache-2.0
// kist rmi: removes names of images, and images that have none left.
#include "base/error.hh"
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/image_use_cases.hh"
#include "engine/manifest_list.hh"

namespace kist::cli::command {
namespace {

struct Remove : engine::ImageRemoveOptions {
    bool all = false;
    std::string platform;
};

constexpr auto options = sorted(std::to_array<Option<Remove>>({
    {{"a,all", "", "Every image"}, &Remove::all},
    {{"f,force", "", "Also when it has several names or a stopped container uses it"}, &Remove::force},
    {{"i,ignore", "", "No error for an image that does not exist"}, &Remove::ignore},
    {{"no-prune", "", "Keep the images below it that have no name"}, &Remove::no_prune},
    {{"platform", "OS/ARCH[/VARIANT]", "Only when the image is for this platform"}, &Remove::platform},
}));

/// A name means an image for one platform here; what a manifest list names are images of their own.
void check_platform(engine::Engine& engine, const std::string& name, const Remove& o) {
    if (o.ignore && !engine.images().find(name)) return;
    if (engine::is_manifest_list(engine, name))
        throw Error("'{}' is a manifest list: no platform can be removed from it alone", printable(name))
            .with_hint(
                "'kist manifest remove' takes an entry off the list, 'kist rmi' with the ID of its image removes that");
    engine::local_image(engine, name, o.platform);
}

int remove_images(Session& session) {
    Remove o;
    std::vector<std::string> names = parse_into(o, options, session);
    if (o.all && !names.empty()) throw UsageError("--all and an image exclude each other: '{}'", names.front());
    if (o.all && !o.platform.empty()) throw UsageError("--all and --platform exclude each other");
    if (!o.all && names.empty()) throw UsageError("'kist rmi' needs at least 1 argument");
    engine::Engine& engine = session.engine();
    if (!o.all) o.warn = print_warning;
    if (o.all) {
        o.force = true;
        for (const storage::ImageRecord& image : engine.images().all()) names.push_back(image.id);
    }
    return for_each(names, [&](const std::string& name) {
        if (!o.platform.empty()) check_platform(engine, name, o);
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
