// SPDX-License-Identifier: Apache-2.0
// kist manifest inspect: a list that is put together here, else what a registry has under a name.
#include "base/json.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/registry_options.hh"
#include "cli/session.hh"
#include "engine/manifest.hh"
#include "engine/manifest_list.hh"

namespace kist::cli::command {
namespace {

struct Inspect : engine::RegistryOptions {
    bool insecure = false, verbose = false;
};

constexpr auto own_options = std::to_array<Option<Inspect>>({
    {{"insecure", "", "The same as --tls-verify=false"}, &Inspect::insecure},
    {{"v,verbose", "", "Name, descriptor and contents of each image's manifest"}, &Inspect::verbose},
});
constexpr auto options = sorted(concat(registry_options<Inspect>(), creds_option<Inspect>(), own_options));

std::string text_of(engine::Engine& engine, const std::string& operand, const Inspect& o) {
    if (const auto local = engine.images().find(operand); local && local->is_list())
        return engine::manifest_list_text(engine, *local);
    return engine::fetch_manifest(engine, storage::Reference::parse(operand), o);
}

int inspect_manifest(Session& session) {
    Inspect o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    complete_creds(o);
    if (o.insecure) o.tls_verify = false;
    if (o.verbose) {
        print_line(json::dump_pretty(engine::describe_manifest(session.engine(), operands.front(), o)));
        return 0;
    }
    std::string text = text_of(session.engine(), operands.front(), o);
    if (!text.ends_with('\n')) text += '\n';
    print(text); // as it is: its digest is that of these bytes
    return 0;
}

} // namespace

const Command manifest_inspect{.path = "manifest inspect",
                               .shortcut = "",
                               .alias = "",
                               .summary = "Show a manifest list, or the manifest that a registry has",
                               .usage = "IMAGE",
                               .section = Section::image,
                               .operands = operands::exactly_one,
                               .options = facts_of<options>,
                               .run = inspect_manifest};

} // namespace kist::cli::command
