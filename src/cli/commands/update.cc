// SPDX-License-Identifier: Apache-2.0
// kist update: other limits, restart policy and health checks for containers, also while they run.
#include "base/error.hh"
#include "cli/commands/all.hh"
#include "cli/create_options.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

struct Update : Selection, engine::UpdateOptions {};

constexpr auto options =
    sorted(concat(std::to_array<Option<Update>>({
                      {{"restart", "POLICY", "When to start it again: no, on-failure[:N], always, unless-stopped",
                        Completes::words, "no|on-failure|always|unless-stopped"},
                       &Update::restart},
                  }),
                  health_options<Update>(), limit_options<Update>(), latest_option<Update>()));

int update_containers(Session& session) {
    Update o;
    o.names = parse_into(o, options, session);
    const engine::UpdateOptions& changes = o;
    if (changes == engine::UpdateOptions{}) throw UsageError("'kist update' needs an option that says what to change");
    const auto all = [](storage::Status) { return true; };
    return for_each_selected(session, o, all, [&](engine::Engine& engine, const Selected& container) {
        engine::update(engine, container.id, changes, print_warning);
        print_line(container.label);
    });
}

} // namespace

const Command update{.path = "container update",
                     .shortcut = "update",
                     .alias = "",
                     .summary = "Change limits, restart policy and health checks of containers",
                     .usage = "CONTAINER [CONTAINER...]",
                     .section = Section::container,
                     .completes = Completes::container,
                     .operands = operands::any,
                     .options = facts_of<options>,
                     .run = update_containers};

} // namespace kist::cli::command
