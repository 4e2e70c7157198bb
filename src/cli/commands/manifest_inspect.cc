// SPDX-License-Identifier: Apache-2.0
// kist manifest inspect: what a registry has under a name.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/registry_options.hh"
#include "cli/session.hh"
#include "engine/manifest.hh"

namespace kist::cli::command {
namespace {

struct Inspect : engine::RegistryOptions {};

constexpr auto options = sorted(concat(registry_options<Inspect>(), creds_option<Inspect>()));

int inspect_manifest(Session& session) {
    Inspect o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    complete_creds(o);
    const storage::Reference name = storage::Reference::parse(operands.front());
    std::string text = engine::fetch_manifest(session.engine(), name, o);
    if (!text.ends_with('\n')) text += '\n';
    print(text); // as it is: its digest is that of these bytes
    return 0;
}

} // namespace

const Command manifest_inspect{.path = "manifest inspect",
                               .shortcut = "",
                               .alias = "",
                               .summary = "Show the manifest or manifest list that a registry has",
                               .usage = "IMAGE",
                               .section = Section::image,
                               .operands = operands::exactly_one,
                               .options = facts_of<options>,
                               .run = inspect_manifest};

} // namespace kist::cli::command
