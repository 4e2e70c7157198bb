// SPDX-License-Identifier: Apache-2.0
// kist manifest add: images, or an artifact made of files, onto a list.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/registry_options.hh"
#include "cli/session.hh"
#include "engine/manifest_list.hh"

namespace kist::cli::command {
namespace {

struct Add : engine::ManifestAddOptions {};

constexpr auto own_options = std::to_array<Option<Add>>({
    {{"all", "", "If an image is a list take every entry of it, not one"}, &Add::all},
    {{"annotation", "KEY=VALUE", "Write an annotation into the entry (repeatable)"}, &Add::annotations},
    {{"arch", "ARCH", "The image is for this architecture"}, &Add::arch},
    {{"artifact", "", "The operands are files: make an artifact of them and add that"}, &Add::artifact},
    {{"artifact-config", "FILE", "The artifact's configuration (default: {})", Completes::file}, &Add::artifact_config},
    {{"artifact-config-type", "TYPE", "Media type of the artifact's configuration"}, &Add::artifact_config_type},
    {{"artifact-exclude-titles", "", "Do not write the files' names into the artifact"}, &Add::artifact_exclude_titles},
    {{"artifact-layer-type", "TYPE", "Media type of the artifact's files (default: by name, else by content)"},
     &Add::artifact_layer_type},
    {{"artifact-subject", "IMAGE", "The artifact belongs to this image"}, &Add::artifact_subject},
    {{"artifact-type", "TYPE", "Media type of the artifact (default application/vnd.unknown.artifact.v1)"},
     &Add::artifact_type},
    {{"features", "NAME", "The image needs this feature of the processor (repeatable)"}, &Add::features},
    {{"os", "OS", "The image is for this operating system"}, &Add::os},
    {{"os-features", "NAME", "The image needs this feature of the operating system (repeatable)"}, &Add::os_features},
    {{"os-version", "VERSION", "The image is for this version of the operating system"}, &Add::os_version},
    {{"variant", "VARIANT", "The image is for this variant of the architecture"}, &Add::variant},
});
constexpr auto options = sorted(concat(registry_options<Add>(), creds_option<Add>(), own_options));

int add_to_list(Session& session) {
    Add o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    complete_creds(o);
    print_line(
        engine::add_to_manifest_list(session.engine(), operands.front(), {operands.begin() + 1, operands.end()}, o));
    return 0;
}

} // namespace

const Command manifest_add{.path = "manifest add",
                           .shortcut = "",
                           .alias = "",
                           .summary = "Add images, or an artifact, to a manifest list",
                           .usage = "LIST IMAGE|FILE [IMAGE|FILE...]",
                           .section = Section::image,
                           .completes = Completes::image,
                           .operands = operands::at_least_two,
                           .options = facts_of<options>,
                           .run = add_to_list};

} // namespace kist::cli::command
