// SPDX-License-Identifier: Apache-2.0
// kist attach: this terminal becomes that of a running container.
#include "cli/commands/all.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

struct Attach : Selection {
    std::string detach_keys;
    bool no_stdin = false;
    bool sig_proxy = true;
};

constexpr auto options =
    sorted(concat(std::to_array<Option<Attach>>({
                      {{"detach-keys", "KEYS", "Keys that detach (default ctrl-p,ctrl-q)"}, &Attach::detach_keys},
                      {{"no-stdin", "", "Do not attach to its stdin"}, &Attach::no_stdin},
                      {{"sig-proxy", "", "Pass signals on to the container (default true)"}, &Attach::sig_proxy},
                  }),
                  latest_option<Attach>()));

int attach_to_container(Session& session) {
    Attach o;
    o.names = parse_into(o, options, session);
    const ContainerId id = select_one(session, o);
    engine::AttachOptions attach{.stdin_ = !o.no_stdin, .sig_proxy = o.sig_proxy};
    if (!o.detach_keys.empty()) attach.detach_keys = o.detach_keys;
    return engine::attach(session.engine(), id, attach).exit_code;
}

} // namespace

const Command attach{.path = "container attach",
                     .shortcut = "attach",
                     .alias = "",
                     .summary = "Attach to the streams of a running container",
                     .usage = "CONTAINER",
                     .section = Section::container,
                     .completes = Completes::running_container,
                     .operands = operands::at_most_one,
                     .options = facts_of<options>,
                     .run = attach_to_container};

} // namespace kist::cli::command
