// SPDX-License-Identifier: Apache-2.0
// kist manifest push: a list, and the images that it names, to a registry.
#include "base/error.hh"
#include "cli/archive_file.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/registry_options.hh"
#include "cli/session.hh"
#include "engine/image_use_cases.hh"
#include "engine/manifest_list.hh"

namespace kist::cli::command {
namespace {

struct Push : engine::ManifestPushOptions {
    bool insecure = false, purge = false, quiet = false, remove_signatures = false;
    std::string digestfile;
};

constexpr auto own_options = std::to_array<Option<Push>>({
    {{"all", "", "Also the images of the list (default true)"}, &Push::all},
    {{"compression-format", "FORMAT", "How layers are compressed: gzip or zstd", Completes::words, "gzip|zstd"},
     &Push::compression_format},
    {{"compression-level", "NUMBER", "1 (fast) to 9 for gzip, to 19 for zstd"}, &Push::compression_level},
    {{"digestfile", "FILE", "Write the digest of the list to FILE", Completes::file}, &Push::digestfile},
    {{"force-compression", "", "Compress anew what is known in the format, if a level is given"},
     &Push::force_compression},
    {{"f,format", "FORMAT", "Type of the list and its images: oci or v2s2 (default: as they are)", Completes::words,
      "oci|v2s2"},
     &Push::format},
    {{"insecure", "", "The same as --tls-verify=false"}, &Push::insecure},
    {{"p,purge,rm", "", "Remove the list from this machine when it has been pushed"}, &Push::purge},
    {{"q,quiet", "", "Print nothing"}, &Push::quiet},
    {{"remove-signatures", "", "Signatures are never copied: kept for scripts that say it"}, &Push::remove_signatures},
});
constexpr auto options = sorted(concat(registry_options<Push>(), creds_option<Push>(), own_options));

int push_list(Session& session) {
    Push o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    complete_creds(o);
    if (o.insecure) o.tls_verify = false;
    if (!o.quiet) o.progress = [](const std::string& line) { complain(line + "\n"); };
    engine::Engine& engine = session.engine();
    const storage::ImageRecord list = engine::get_manifest_list(engine, operands.front());
    std::string to = operands.back();
    constexpr std::string_view transport = "docker://";
    if (to.starts_with(transport)) to.erase(0, transport.size());
    const Digest digest = engine::push_manifest_list(engine, list, storage::Reference::parse(to), o);
    if (!o.digestfile.empty())
        write_archive(o.digestfile, [&](const Fd& out) { write_full(out, digest.str() + "\n", o.digestfile); });
    if (o.purge) engine::remove_image(engine, operands.front(), {});
    if (!o.quiet) print_line(digest.str());
    return 0;
}

} // namespace

const Command manifest_push{.path = "manifest push",
                            .shortcut = "",
                            .alias = "",
                            .summary = "Send a manifest list and its images to a registry",
                            .usage = "LIST [DESTINATION]",
                            .section = Section::image,
                            .completes = Completes::image,
                            .operands = operands::one_or_two,
                            .options = facts_of<options>,
                            .run = push_list};

} // namespace kist::cli::command
