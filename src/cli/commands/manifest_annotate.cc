// SPDX-License-Identifier: Apache-2.0
// kist manifest annotate: what a list says of an image.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/registry_options.hh"
#include "cli/session.hh"
#include "engine/manifest_list.hh"

namespace kist::cli::command {
namespace {

struct Annotate : engine::ManifestAnnotateOptions {};

constexpr auto own_options = std::to_array<Option<Annotate>>({
    {{"annotation", "KEY=VALUE", "Write an annotation into the entry, with --index into the list (repeatable)"},
     &Annotate::annotations},
    {{"arch", "ARCH", "The image is for this architecture"}, &Annotate::arch},
    {{"features", "NAME", "The image needs this feature of the processor (repeatable)"}, &Annotate::features},
    {{"os", "OS", "The image is for this operating system"}, &Annotate::os},
    {{"os-features", "NAME", "The image needs this feature of the operating system (repeatable)"},
     &Annotate::os_features},
    {{"os-version", "VERSION", "The image is for this version of the operating system"}, &Annotate::os_version},
    {{"variant", "VARIANT", "The image is for this variant of the architecture"}, &Annotate::variant},
    {{"index", "", "Annotations are those of the list itself"}, &Annotate::index},
    {{"subject", "IMAGE", "The list belongs to this image"}, &Annotate::subject},
});
constexpr auto options = sorted(concat(registry_options<Annotate>(), creds_option<Annotate>(), own_options));

int annotate_list(Session& session) {
    Annotate o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    complete_creds(o);
    const std::string entry = operands.size() > 1 ? operands.back() : "";
    print_line(engine::annotate_manifest_list(session.engine(), operands.front(), entry, o));
    return 0;
}

} // namespace

const Command manifest_annotate{.path = "manifest annotate",
                                .shortcut = "",
                                .alias = "",
                                .summary = "Change what a manifest list says of an image",
                                .usage = "LIST [IMAGE|DIGEST]",
                                .section = Section::image,
                                .completes = Completes::image,
                                .operands = operands::one_or_two,
                                .options = facts_of<options>,
                                .run = annotate_list};

} // namespace kist::cli::command
