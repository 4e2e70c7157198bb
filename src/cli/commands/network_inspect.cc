// SPDX-License-Identifier: Apache-2.0
// kist network inspect: everything about networks, as Docker lays it out.
#include "cli/commands/all.hh"
#include "cli/documents.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/networks.hh"

namespace kist::cli::command {
namespace {

struct Inspect {
    std::optional<std::string> format;
};

constexpr auto options = std::to_array<Option<Inspect>>({
    {{"f,format", "FORMAT", "'json' or a template"}, &Inspect::format},
});

int inspect_networks(Session& session) {
    Inspect o;
    const std::vector<std::string> names = parse_into(o, options, session);
    Documents documents("network inspect", o.format);
    engine::Engine& engine = session.engine();
    const int code = for_each(names, [&](const std::string& name) { documents.add(engine::inspect_network(engine, engine::find_network(engine, name))); });
    documents.finish();
    return code;
}

} // namespace

const Command network_inspect{.path = "network inspect",
                              .shortcut = "",
                              .alias = "",
                              .summary = "Show everything about networks",
                              .usage = "NETWORK [NETWORK...]",
                              .section = Section::network,
                              .completes = Completes::network,
                              .operands = operands::at_least_one,
                              .options = facts_of<options>,
                              .run = inspect_networks};

} // namespace kist::cli::command
