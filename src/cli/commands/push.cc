// SPDX-License-Identifier: Apache-2.0
// kist push: an image to its registry.
#include "base/error.hh"
#include "cli/archive_file.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/registry_options.hh"
#include "cli/session.hh"
#include "engine/manifest_list.hh"
#include "engine/transport.hh"

namespace kist::cli::command {
namespace {

struct Push : engine::ManifestPushOptions {
    bool all_tags = false, quiet = false, remove_signatures = false;
    std::string digestfile, platform;
};

constexpr auto own_options = std::to_array<Option<Push>>({
    {{"a,all-tags", "", "Push all tags of the repository"}, &Push::all_tags},
    {{"compression-format", "FORMAT", "How layers are compressed: gzip or zstd", Completes::words, "gzip|zstd"},
     &Push::compression_format},
    {{"compression-level", "NUMBER", "1 (fast) to 9 for gzip, to 19 for zstd"}, &Push::compression_level},
    {{"digestfile", "FILE", "Write the digest of what was pushed to FILE", Completes::file}, &Push::digestfile},
    {{"force-compression", "", "Compress anew what is known in the format, if a level is given"},
     &Push::force_compression},
    {{"f,format", "FORMAT", "Type of the manifest: oci or v2s2 (default: as it came)", Completes::words, "oci|v2s2"},
     &Push::format},
    {{"platform", "OS/ARCH[/VARIANT]", "Only the image for this platform, as one of its own"}, &Push::platform},
    {{"q,quiet", "", "Print nothing"}, &Push::quiet},
    {{"remove-signatures", "", "Signatures are never copied: kept for scripts that say it"}, &Push::remove_signatures},
});
constexpr auto options = sorted(concat(registry_options<Push>(), creds_option<Push>(), own_options));

std::vector<storage::Reference> all_tags_of(storage::ImageStore& images, const storage::Reference& name) {
    std::vector<storage::Reference> found;
    for (const auto& [id, names] : images.all_names())
        for (const storage::Reference& known : names)
            if (known.domain == name.domain && known.path == name.path && !known.tag.empty()) found.push_back(known);
    if (found.empty()) throw NotFound("no such image: {}", name.familiar_name());
    return found;
}

std::string push_to(engine::Engine& engine, const storage::ImageStore::SaveItem& item, const engine::Transport& to,
                    const Push& o) {
    engine::check_push(to, o);
    std::string digest;
    const auto into = [&](const auto& place) { digest = engine::push_image(engine, item, to, o, place); };
    if (to.kind == engine::Transport::Kind::oci) into(Dir::create(to.path, 0755));
    else if (to.is_folder()) write_folder(to.path, into);
    else write_archive(to.path, into);
    return digest;
}

/// To a registry. `name`: what the user calls it.
Digest push_to(engine::Engine& engine, const std::string& name, const storage::Reference& to, const Push& o) {
    const storage::ImageRecord image = engine.images().get(name);
    if (!image.is_list())
        return engine::push_image(engine, engine::local_image(engine, name, o.platform), to, o).digest;
    if (o.platform.empty()) return engine::push_manifest_list(engine, image, to, o);
    return engine::push_image_of_list(engine, image, to, engine::wanted_platform({o.platform, "", "", ""}), o);
}

std::string push_one(engine::Engine& engine, const std::vector<std::string>& operands, const Push& o) {
    std::string place = operands.back();
    if (const auto to = engine::parse_transport(place)) {
        if (!o.platform.empty()) throw UsageError("--platform is for registries");
        const storage::ImageRecord image = engine.images().get(operands.front());
        storage::ImageStore::SaveItem item{image, {}};
        if (const auto name = storage::Reference::try_parse(operands.front()))
            for (const storage::Reference& known : engine.images().names_of(*Digest::parse(image.id)))
                if (known == *name) item.names.push_back(known);
        return push_to(engine, item, *to, o);
    }
    constexpr std::string_view transport = "docker://";
    if (place.starts_with(transport)) place.erase(0, transport.size());
    return push_to(engine, operands.front(), storage::Reference::parse(place), o).str();
}

int push_image(Session& session) {
    Push o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    complete_creds(o);
    if (!o.quiet) o.progress = [](const std::string& line) { print_line(line); };
    engine::Engine& engine = session.engine();
    if (o.all_tags) {
        if (operands.size() != 1 || !o.digestfile.empty())
            throw UsageError("--all-tags goes with one repository and without --digestfile");
        for (const storage::Reference& name : all_tags_of(engine.images(), storage::Reference::parse(operands.front())))
            push_to(engine, name.str(), name, o);
        return 0;
    }
    const std::string digest = push_one(engine, operands, o);
    if (!o.digestfile.empty() && digest.empty()) throw Error("a docker-archive has no manifest, and so no digest");
    if (!o.digestfile.empty())
        write_archive(o.digestfile, [&](const Fd& out) { write_full(out, digest + "\n", o.digestfile); });
    return 0;
}

} // namespace

const Command push{.path = "image push",
                   .shortcut = "push",
                   .alias = "",
                   .summary = "Send an image to a registry",
                   .usage = "IMAGE [DESTINATION]",
                   .section = Section::image,
                   .completes = Completes::image,
                   .operands = operands::one_or_two,
                   .options = facts_of<options>,
                   .run = push_image};

} // namespace kist::cli::command
