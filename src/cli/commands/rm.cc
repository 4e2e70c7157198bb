// SPDX-License-Identifier: Apache-2.0
// kist rm: removes containers.
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/stopping.hh"
#include "engine/containers.hh"
#include "engine/repair.hh"

namespace kist::cli::command {
namespace {

struct Remove : Stopping {
    bool force = false;
    bool volumes = false;
    bool depend = false;
};

constexpr auto options =
    sorted(concat(std::to_array<Option<Remove>>({
                      {{"a,all", "", "Every container that does not run; with --force every container"}, &Remove::all},
                      {{"depend", "", "Remove first the containers that join its namespaces"}, &Remove::depend},
                      {{"f,force", "", "Kill running ones first; a missing one is no error"}, &Remove::force},
                      {{"v,volumes", "", "Remove their anonymous volumes, too"}, &Remove::volumes},
                  }),
                  cidfile_option<Remove>(), filter_option<Remove>("filter"), ignore_option<Remove>(),
                  latest_option<Remove>(), timeout_option<Remove>()));

int remove_containers(Session& session) {
    Remove o;
    o.names = parse_into(o, options, session);
    if (o.timeout) o.force = true;
    if (o.force) o.ignore = true;
    const auto fits = [&](storage::Status status) { return o.force || !storage::is_running(status); };
    const engine::RemoveOptions how{.force = o.force, .volumes = o.volumes, .timeout = o.timeout};
    const int code = for_each_selected(session, o, fits, [&](engine::Engine& engine, const Selected& container) {
        if (o.depend)
            for (const ContainerId& id : engine::dependents(engine, container.id)) {
                engine::remove(engine, id, how);
                print_line(id.str());
            }
        engine::remove(engine, container.id, how);
        print_line(container.label);
    });
    if (o.all) engine::sweep_all(session.engine());
    return code;
}

} // namespace

const Command rm{.path = "container rm",
                 .shortcut = "rm",
                 .alias = "container remove",
                 .summary = "Remove containers",
                 .usage = "CONTAINER [CONTAINER...]",
                 .section = Section::container,
                 .completes = Completes::container,
                 .operands = operands::any,
                 .options = facts_of<options>,
                 .run = remove_containers};

} // namespace kist::cli::command
