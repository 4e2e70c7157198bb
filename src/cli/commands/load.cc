// SPDX-License-Identifier: Apache-2.0
// kist load: images out of a docker-archive or oci-archive.
#include "cli/archive_file.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/registry_options.hh"
#include "cli/session.hh"
#include "engine/registry_access.hh"

namespace kist::cli::command {
namespace {

struct Load : engine::PlatformOptions {
    std::string input;
    bool quiet = false;
};

constexpr auto own_options = std::to_array<Option<Load>>({
    {{"i,input", "FILE", "Read FILE instead of standard input", Completes::file}, &Load::input},
    {{"q,quiet", "", "Do not show progress"}, &Load::quiet},
});

constexpr auto options = sorted(concat(platform_options<Load>(), own_options));

int load_archive(Session& session) {
    Load o;
    parse_into(o, options, session);
    const Fd archive = open_archive(o.input); // before the store: wrong use must not make one
    storage::ImageStore& images = session.engine().images();
    const auto progress = [&](const std::string& line) {
        if (!o.quiet) print_line(line);
    };
    std::optional<oci::Platform> platform;
    if (o.any()) platform = engine::wanted_platform(o);
    for (const storage::ImageStore::Loaded& loaded : images.load(archive, progress, platform)) {
        for (const storage::Reference& name : loaded.names) print_line("Loaded image: " + name.familiar());
        if (loaded.names.empty()) print_line("Loaded image ID: " + loaded.id.str());
    }
    return 0;
}

} // namespace

const Command load{.path = "image load",
                   .shortcut = "load",
                   .alias = "",
                   .summary = "Load images from an archive",
                   .usage = "",
                   .section = Section::image,
                   .operands = operands::none,
                   .options = facts_of<options>,
                   .run = load_archive};

} // namespace kist::cli::command
