// SPDX-License-Identifier: Apache-2.0
// kist manifest create: a new list of manifests, here.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/registry_options.hh"
#include "cli/session.hh"
#include "engine/manifest_list.hh"

namespace kist::cli::command {
namespace {

struct Create : engine::ManifestCreateOptions {
    bool insecure = false;
};

constexpr auto own_options = std::to_array<Option<Create>>({
    {{"all", "", "Of lists among the images take every entry, not that for this machine"}, &Create::all},
    {{"a,amend", "", "Add to the list if there is one of that name"}, &Create::amend},
    {{"annotation", "KEY=VALUE", "Write an annotation into the list (repeatable)"}, &Create::annotations},
    {{"insecure", "", "The same as --tls-verify=false"}, &Create::insecure},
});
constexpr auto options = sorted(concat(registry_options<Create>(), creds_option<Create>(), own_options));

int create_list(Session& session) {
    Create o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    complete_creds(o);
    if (o.insecure) o.tls_verify = false;
    print_line(
        engine::create_manifest_list(session.engine(), operands.front(), {operands.begin() + 1, operands.end()}, o));
    return 0;
}

} // namespace

const Command manifest_create{.path = "manifest create",
                              .shortcut = "",
                              .alias = "",
                              .summary = "Make a manifest list, of images here or in registries",
                              .usage = "LIST [IMAGE...]",
                              .section = Section::image,
                              .completes = Completes::image,
                              .operands = operands::at_least_one,
                              .options = facts_of<options>,
                              .run = create_list};

} // namespace kist::cli::command
