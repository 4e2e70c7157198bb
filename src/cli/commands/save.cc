// SPDX-License-Identifier: Apache-2.0
// kist save: images into one archive.
#include <algorithm>

#include "base/error.hh"
#include "base/text.hh"
#include "cli/archive_file.hh"
#include "cli/commands/all.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/manifest_list.hh"

namespace kist::cli::command {
namespace {

struct Save {
    std::string format = "docker-archive";
    std::string output;
    std::vector<std::string> platforms;
    bool compress = false, many = false, quiet = false, uncompressed = false;
};

constexpr auto options = std::to_array<Option<Save>>({
    {{"compress", "", "Compress the layers (of oci-dir and docker-dir) by gzip"}, &Save::compress},
    {{"format", "FORMAT", "docker-archive (the default), oci-archive, or a folder: oci-dir, docker-dir",
      Completes::words, "docker-archive|docker-dir|oci-archive|oci-dir"},
     &Save::format},
    {{"m,multi-image-archive", "", "Several images are always possible: kept for scripts that say it"}, &Save::many},
    {{"o,output", "FILE", "Write FILE (or a new folder) instead of standard output", Completes::file}, &Save::output},
    {{"platform", "OS/ARCH[/VARIANT]",
      "The images for these platforms, of manifest lists (comma separated, repeatable)"},
     &Save::platforms},
    {{"q,quiet", "", "Do not show progress"}, &Save::quiet},
    {{"uncompressed", "", "Do not compress the layers (the default)"}, &Save::uncompressed},
});

void check(const Save& o) {
    const bool is_folder = o.format == "oci-dir" || o.format == "docker-dir";
    if (!is_folder && o.format != "docker-archive" && o.format != "oci-archive")
        throw UsageError("invalid value '{}' for --format: expected docker-archive, oci-archive, oci-dir or docker-dir",
                         printable(o.format));
    if (o.compress && !is_folder) throw UsageError("--compress is for --format oci-dir and docker-dir");
    if (o.compress && o.uncompressed) throw UsageError("--compress and --uncompressed exclude each other");
    if (is_folder && (o.output.empty() || o.output == "-"))
        throw UsageError("--format {} needs a folder: name it with --output", o.format);
}

/// One empty text when none was asked for.
std::vector<std::string> wanted_platforms(const Save& o) {
    std::vector<std::string> platforms;
    for (const std::string& text : o.platforms)
        for (const std::string& platform : split(text, ',')) platforms.push_back(platform);
    if (std::find(platforms.begin(), platforms.end(), "") != platforms.end())
        throw UsageError("--platform needs OS/ARCH or OS/ARCH/VARIANT, several with a comma between them");
    return platforms.empty() ? std::vector<std::string>{""} : platforms;
}

/// One entry an image, with the names that were asked for; an image asked for by its ID is saved without a name.
class Picked {
public:
    explicit Picked(engine::Engine& engine) : engine_(engine) {}

    void add(const std::string& asked, const std::vector<std::string>& platforms) {
        const storage::ImageRecord meant = engine_.images().get(asked);
        const std::optional<storage::Reference> name = name_of(meant, asked);
        if (meant.is_list() && platforms.front().empty())
            throw Error("'{}' is a manifest list, not an image", printable(asked))
                .with_hint(
                    "--platform OS/ARCH saves its image for that platform, 'kist manifest push --all' all of it");
        if (meant.is_list() && name && platforms.size() > 1)
            throw Error("'{}' is several images, and a name in an archive means one", printable(asked))
                .with_hint("save each platform into an archive of its own, or the list by its ID, without a name");
        for (const std::string& platform : platforms) add_image(engine::local_image(engine_, asked, platform), name);
    }
    const std::vector<storage::ImageStore::SaveItem>& items() const { return items_; }

private:
    std::optional<storage::Reference> name_of(const storage::ImageRecord& image, const std::string& asked) const {
        const std::optional<storage::Reference> name = storage::Reference::try_parse(asked);
        const std::vector<storage::Reference> known = engine_.images().names_of(*Digest::parse(image.id));
        return name && std::find(known.begin(), known.end(), *name) != known.end() ? name : std::nullopt;
    }
    void add_image(const storage::ImageRecord& image, const std::optional<storage::Reference>& name) {
        auto item = std::find_if(items_.begin(), items_.end(), [&](const auto& i) { return i.image.id == image.id; });
        if (item == items_.end()) item = items_.insert(items_.end(), {image, {}});
        if (name && std::find(item->names.begin(), item->names.end(), *name) == item->names.end())
            item->names.push_back(*name);
    }

    engine::Engine& engine_;
    std::vector<storage::ImageStore::SaveItem> items_;
};

int save_images(Session& session) {
    Save o;
    const std::vector<std::string> names = parse_into(o, options, session);
    check(o);
    const std::vector<std::string> platforms = wanted_platforms(o);
    storage::ImageStore& images = session.engine().images();
    Picked picked(session.engine());
    for (const std::string& name : names) picked.add(name, platforms);
    const auto& items = picked.items();
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
