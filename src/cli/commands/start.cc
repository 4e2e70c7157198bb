// SPDX-License-Identifier: Apache-2.0
// kist start: containers that were created or have exited.
#include <algorithm>
#include <iterator>

#include "base/error.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

struct Start : Selection {
    bool attach = false;
    std::string detach_keys;
    bool interactive = false;
    bool sig_proxy = true;
};

constexpr auto options =
    sorted(concat(std::to_array<Option<Start>>({
                      {{"all", "", "Every container that does not run"}, &Start::all},
                      {{"a,attach", "", "Attach to its output and pass signals on"}, &Start::attach},
                      {{"detach-keys", "KEYS", "Keys that detach (default ctrl-p,ctrl-q)"}, &Start::detach_keys},
                      {{"i,interactive", "", "Attach to its stdin, too"}, &Start::interactive},
                      {{"sig-proxy", "", "With --attach: pass signals on (default true)"}, &Start::sig_proxy},
                  }),
                  filter_option<Start>(), latest_option<Start>()));

using Before = std::function<void(engine::Engine&, std::vector<Selected>&)>;

bool can_start(storage::Status status) {
    return status == storage::Status::created || status == storage::Status::initialized ||
           status == storage::Status::exited;
}

int start_attached(Session& session, const Start& o) {
    if (o.all || !o.filters.empty() || (o.names.size() > 1))
        throw UsageError("only one container can be started with --attach or --interactive");
    engine::AttachOptions attach{.stdin_ = o.interactive, .sig_proxy = o.sig_proxy};
    if (!o.detach_keys.empty()) attach.detach_keys = o.detach_keys;
    const ContainerId id = select_one(session, o);
    return engine::start(session.engine(), id, attach).exit_code;
}

int start_containers(Session& session) {
    Start o;
    o.names = parse_into(o, options, session);
    if (o.attach || o.interactive) return start_attached(session, o);
    // Whose namespaces others join goes first.
    const Before order = [](engine::Engine& engine, std::vector<Selected>& containers) {
        std::vector<ContainerId> ids;
        for (const Selected& container : containers) ids.push_back(container.id);
        std::vector<Selected> sorted;
        for (const ContainerId& id : engine::start_order(engine, ids))
            std::copy_if(containers.begin(), containers.end(), std::back_inserter(sorted),
                         [&](const Selected& container) { return container.id == id; });
        containers = std::move(sorted);
    };
    const bool by_pattern = o.all || !o.filters.empty();
    return for_each_selected(session, o, can_start, by_pattern ? order : Before{},
                             [](engine::Engine& engine, const Selected& container) {
                                 engine::start(engine, container.id, std::nullopt);
                                 print_line(container.label);
                             });
}

} // namespace

const Command start{.path = "container start",
                    .shortcut = "start",
                    .alias = "",
                    .summary = "Start containers that were created or have exited",
                    .usage = "CONTAINER [CONTAINER...]",
                    .section = Section::container,
                    .completes = Completes::container,
                    .operands = operands::any,
                    .options = facts_of<options>,
                    .run = start_containers};

} // namespace kist::cli::command
