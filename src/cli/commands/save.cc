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
    bool compress = false, many = false, quiet = false;
};

constexpr auto options = std::to_array<Option<Save>>({
    {{"compress", "", "Compress the layers (of oci-dir and docker-dir) by gzip"}, &Save::compress},
    {{"format", "FORMAT", "docker-archive (the default), oci-archive, or a folder: oci-dir, docker-dir",
      Completes::words, "docker-archive|docker-dir|oci-archive|oci-dir"},
     &Save::format},
    {{"m,multi-image-archive", "", "Several images are always possible: kept for scripts that say it"}, &Save::many},
    {{"o,output", "FILE", "Write FILE (or a new folder) instead of standard output", Completes::file}, &Save::output},
    {{"q,quiet", "", "Do not show progress"}, &Save::quiet},
});

void check(const Save& o) {
    const bool is_folder = o.format == "oci-dir" || o.format == "docker-dir";
    if (!is_folder && o.format != "docker-archive" && o.format != "oci-archive")
        throw UsageError("invalid value '{}' for --format: expected docker-archive, oci-archive, oci-dir or docker-dir",
                         printable(o.format));
    if (o.compress && !is_folder) throw UsageError("--compress is for --format oci-dir and docker-dir");
    if (is_folder && (o.output.empty() || o.output == "-"))
        throw UsageError("--format {} needs a folder: name it with --output", o.format);
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
    check(o);
    storage::ImageStore& images = session.engine().images();
    const auto items = pick(images, names);
    if (o.format.ends_with("-dir")) {
        const auto format = o.format == "oci-dir" ? storage::FolderFormat::oci : storage::FolderFormat::docker;
        write_folder(o.output, [&](const Dir& out) { images.save(items, format, out, o.compress); });
    } else {
        const auto format =
            o.format == "oci-archive" ? storage::ArchiveFormat::oci_archive : storage::ArchiveFormat::docker_archive;
        write_archive(o.output, [&](const Fd& out) { images.save(items, format, out); });
    }
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
