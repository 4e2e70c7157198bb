// SPDX-License-Identifier: Apache-2.0
// kist import: a root filesystem in one archive becomes an image of one layer.
#include "base/text.hh"
#include "cli/archive_file.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/image_use_cases.hh"

namespace kist::cli::command {
namespace {

struct Import {
    std::vector<std::string> changes;
    std::string message, platform;
    bool quiet = false;
};

constexpr auto options = std::to_array<Option<Import>>({
    {{"c,change", "INSTRUCTION", "Set the image's configuration, as 'CMD [\"sh\"]' (repeatable)"}, &Import::changes},
    {{"m,message", "TEXT", "A comment, as history shows it"}, &Import::message},
    {{"platform", "OS/ARCH[/VARIANT]", "What the image is made for (default: this host)"}, &Import::platform},
    {{"q,quiet", "", "Print the ID only"}, &Import::quiet},
});

void set_platform(const std::string& text, storage::ImportOptions& to) {
    const std::vector<std::string> parts = split(text, '/');
    if (parts.size() < 2 || parts.size() > 3 || parts[0].empty() || parts[1].empty())
        throw UsageError("invalid value '{}' for --platform: expected OS/ARCH or OS/ARCH/VARIANT", printable(text));
    to.os = parts[0];
    to.architecture = parts[1];
    if (parts.size() == 3) to.variant = parts[2];
}

int import_archive(Session& session) {
    Import o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    storage::ImportOptions how;
    how.message = o.message;
    how.config = engine::apply_changes(o.changes);
    how.changes = o.changes;
    if (!o.platform.empty()) set_platform(o.platform, how);
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
