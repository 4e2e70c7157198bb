// SPDX-License-Identifier: Apache-2.0
// kist container cleanup: puts right what killed monitors have left.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"
#include "engine/containers.hh"
#include "engine/repair.hh"

namespace kist::cli::command {
namespace {

struct Cleanup : Selection {
    bool remove = false;
};

constexpr auto options = sorted(concat(std::to_array<Option<Cleanup>>({
                                           {{"a,all", "", "Every container"}, &Cleanup::all},
                                           {{"rm", "", "Remove it afterwards, unless it runs"}, &Cleanup::remove},
                                       }),
                                       latest_option<Cleanup>()));

int clean_up(Session& session) {
    Cleanup o;
    o.names = parse_into(o, options, session);
    const auto all = [](storage::Status) { return true; };
    const int code = for_each_selected(session, o, all, [&](engine::Engine& engine, const Selected& container) {
        engine::cleanup(engine, container.id);
        const auto view = engine.containers().view(container.id);
        if (o.remove && view && !storage::is_up(view->state.status))
            engine::remove(engine, container.id, {.force = false, .volumes = false, .timeout = {}});
        print_line(container.label);
    });
    if (o.all) engine::sweep_all(session.engine());
    return code;
}

} // namespace

const Command container_cleanup{.path = "container cleanup",
                                .shortcut = "",
                                .alias = "",
                                .summary = "Put right what killed monitors have left of containers",
                                .usage = "CONTAINER [CONTAINER...]",
                                .section = Section::container,
                                .completes = Completes::container,
                                .operands = operands::any,
                                .options = facts_of<options>,
                                .run = clean_up};

} // namespace kist::cli::command
