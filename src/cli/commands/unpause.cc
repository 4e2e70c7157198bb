// SPDX-License-Identifier: Apache-2.0
// kist unpause: thaws containers.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

constexpr auto options =
    sorted(concat(std::to_array<Option<Selection>>({{{"a,all", "", "Every paused container"}, &Selection::all}}),
                  cidfile_option<Selection>(), filter_option<Selection>(), latest_option<Selection>()));

int unpause_containers(Session& session) {
    Selection o;
    o.names = parse_into(o, options, session);
    const auto is_paused = [](storage::Status status) { return status == storage::Status::paused; };
    return for_each_selected(session, o, is_paused, [](engine::Engine& engine, const Selected& container) {
        engine::unpause(engine, container.id);
        print_line(container.label);
    });
}

} // namespace

const Command unpause{.path = "container unpause",
                      .shortcut = "unpause",
                      .alias = "",
                      .summary = "Let paused containers go on",
                      .usage = "CONTAINER [CONTAINER...]",
                      .section = Section::container,
                      .completes = Completes::container,
                      .operands = operands::any,
                      .options = facts_of<options>,
                      .run = unpause_containers};

} // namespace kist::cli::command
