// SPDX-License-Identifier: Apache-2.0
// kist pull: an image from its registry.
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/pull.hh"

namespace kist::cli::command {
namespace {

struct Pull {
    std::string cert_dir, platform;
    bool quiet = false;
};

constexpr auto options = std::to_array<Option<Pull>>({
    {{"cert-dir", "FOLDER", "Trust the authorities in FOLDER (*.crt) too", Completes::folder}, &Pull::cert_dir},
    {{"platform", "OS/ARCH", "Take the image for this platform"}, &Pull::platform},
    {{"q,quiet", "", "Print only the image's ID"}, &Pull::quiet},
});

int pull_image(Session& session) {
    Pull o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    const storage::Reference name = storage::Reference::parse(operands.front());
    engine::PullOptions wanted;
    wanted.platform = o.platform;
    wanted.cert_folder = o.cert_dir;
    if (!o.quiet) wanted.progress = [](const std::string& line) { complain(line + "\n"); };
    print_line(engine::pull_image(session.engine(), name, wanted).str());
    return 0;
}

} // namespace

const Command pull{.path = "image pull",
                   .shortcut = "pull",
                   .alias = "",
                   .summary = "Fetch an image from its registry",
                   .usage = "IMAGE",
                   .section = Section::image,
                   .operands = operands::exactly_one,
                   .options = facts_of<options>,
                   .run = pull_image};

} // namespace kist::cli::command
