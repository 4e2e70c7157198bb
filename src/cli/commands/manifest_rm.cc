// SPDX-License-Identifier: Apache-2.0
// kist manifest rm: lists that are here; the images stay.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/image_use_cases.hh"
#include "engine/manifest_list.hh"

namespace kist::cli::command {
namespace {

struct Remove {
    bool ignore = false;
};

constexpr auto options = std::to_array<Option<Remove>>({
    {{"i,ignore", "", "No error for a list that does not exist"}, &Remove::ignore},
});

int remove_lists(Session& session) {
    Remove o;
    const std::vector<std::string> names = parse_into(o, options, session);
    engine::Engine& engine = session.engine();
    return for_each(names, [&](const std::string& name) {
        if (o.ignore && !engine.images().find(name)) return;
        engine::get_manifest_list(engine, name);
        for (const std::string& line : engine::remove_image(engine, name, {})) print_line(line);
    });
}

} // namespace

const Command manifest_rm{.path = "manifest rm",
                          .shortcut = "",
                          .alias = "",
                          .summary = "Remove manifest lists from this machine",
                          .usage = "LIST [LIST...]",
                          .section = Section::image,
                          .completes = Completes::image,
                          .operands = operands::at_least_one,
                          .options = facts_of<options>,
                          .run = remove_lists};

} // namespace kist::cli::command
