// SPDX-License-Identifier: Apache-2.0
// kist import: a root filesystem in one archive becomes an image of one layer.
#include "cli/archive_file.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/image_use_cases.hh"
#include "engine/registry_access.hh"

namespace kist::cli::command {
namespace {

struct Import : engine::PlatformOptions {
    std::vector<std::string> changes;
    std::string message;
    bool quiet = false;
};

constexpr auto options = std::to_array<Option<Import>>({
    {{"arch", "ARCH", "Architecture that the image is made for (default: this host's)"}, &Import::arch},
    {{"c,change", "INSTRUCTION", "Set the image's configuration, as 'CMD [\"sh\"]' (repeatable)"}, &Import::changes},
    {{"m,message", "TEXT", "A comment, as history shows it"}, &Import::message},
    {{"os", "OS", "Operating system that it is made for"}, &Import::os},
    {{"platform", "OS/ARCH[/VARIANT]", "All of that at once"}, &Import::platform},
    {{"q,quiet", "", "Print the ID only"}, &Import::quiet},
    {{"variant", "VARIANT", "Variant of the architecture"}, &Import::variant},
});

int import_archive(Session& session) {
    Import o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    storage::ImportOptions how;
    how.message = o.message;
    how.config = engine::apply_changes(o.changes);
    how.changes = o.changes;
    if (o.any()) {
        const oci::Platform platform = engine::wanted_platform(o);
        how.os = platform.os;
        how.architecture = platform.architecture;
        how.variant = platform.variant;
    }
    std::optional<storage::Reference> name;
    if (operands.size() == 2) name = storage::Reference::parse(operands[1]);
    const Fd archive = open_archive(operands.front()); // before the store: wrong use must not make one
    storage::ImageStore& images = session.engine().images();
    print_line(images.import(archive, how, name).str());
    return 0;
}

} // namespace

const Command import_image{.path = "image import",
                           .shortcut = "import",
                           .alias = "",
                           .summary = "Make an image from an archive of a root filesystem",
                           .usage = "FILE|- [NAME]",
                           .section = Section::image,
                           .completes = Completes::file,
                           .operands = operands::one_or_two,
                           .options = facts_of<options>,
                           .run = import_archive};

} // namespace kist::cli::command
