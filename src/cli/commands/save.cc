// SPDX-License-Identifier: Apache-2.0
// kist save: images into one archive.
#include <algorithm>

#include "base/error.hh"
#include "base/text.hh"
#include "cli/archive_file.hh"
#include "cli/commands/all.hh"
#include "cli/parse.hh"
#include "cli/session.hh"

namespace kist::cli::command {
namespace {

struct Save {
    std::string format = "docker-archive";
    std::string output;
    bool quiet = false;
};

constexpr auto options = std::to_array<Option<Save>>({
    {{"format", "FORMAT", "docker-archive (the default) or oci-archive", Completes::words,
      "docker-archive|oci-archive"},
     &Save::format},
    {{"o,output", "FILE", "Write FILE instead of standard output", Completes::file}, &Save::output},
    {{"q,quiet", "", "Do not show progress"}, &Save::quiet},
});

storage::ArchiveFormat parse_format(const std::string& text) {
    if (text == "docker-archive") return storage::ArchiveFormat::docker_archive;
    if (text == "oci-archive") return storage::ArchiveFormat::oci_archive;
    throw UsageError("invalid value '{}' for --format: expected docker-archive or oci-archive", printable(text));
}

/// One entry an image, with the names that were asked for; an image asked for by its ID is saved without a name.
std::vector<storage::ImageStore::SaveItem> pick(storage::ImageStore& images, const std::vector<std::string>& names) {
    std::vector<storage::ImageStore::SaveItem> items;
    for (const std::string& name : names) {
        const storage::ImageRecord image = images.get(name);
        auto item = std::find_if(items.begin(), items.end(), [&](const auto& i) { return i.image.id == image.id; });
        if (item == items.end()) item = items.insert(items.end(), {image, {}});
        const std::optional<storage::Reference> reference = storage::Reference::try_parse(name);
        const std::vector<storage::Reference> known = images.names_of(*Digest::parse(image.id));
        if (reference && std::find(known.begin(), known.end(), *reference) != known.end() &&
            std::find(item->names.begin(), item->names.end(), *reference) == item->names.end())
            item->names.push_back(*reference);
    }
    return items;
}

int save_images(Session& session) {
    Save o;
    const std::vector<std::string> names = parse_into(o, options, session);
    const storage::ArchiveFormat format = parse_format(o.format);
    storage::ImageStore& images = session.engine().images();
    const auto items = pick(images, names);
    write_archive(o.output, [&](const Fd& out) { images.save(items, format, out); });
    return 0;
}

} // namespace

const Command save{.path = "image save",
                   .shortcut = "save",
                   .alias = "",
                   .summary = "Write images into an archive",
                   .usage = "IMAGE [IMAGE...]",
                   .section = Section::image,
                   .completes = Completes::image,
                   .operands = operands::at_least_one,
                   .options = facts_of<options>,
                   .run = save_images};

} // namespace kist::cli::command
