// SPDX-License-Identifier: Apache-2.0
// kist port: published ports. None can be published yet, so a container has no lines and a port that is asked for is missing.
#include "base/error.hh"
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"

namespace kist::cli::command {
namespace {

struct Port {
    bool all = false;
    bool latest = false;
};

constexpr auto options =
    sorted(concat(std::to_array<Option<Port>>({{{"a,all", "", "The ports of every running container"}, &Port::all}}),
                  latest_option<Port>()));

void check_port(const std::string& text) {
    const auto [number, protocol] = split_once(text, '/');
    const bool known = !protocol || *protocol == "tcp" || *protocol == "udp" || *protocol == "sctp";
    if (!known || parse_unsigned(number, 65535).value_or(0) == 0)
        throw UsageError("invalid port '{}': expected PORT or PORT/tcp, udp or sctp", printable(text));
}

int show_ports(Session& session) {
    Port o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    if (o.all) {
        if (o.latest || !operands.empty()) throw UsageError("--all and a container exclude each other");
        session.engine().containers();
        return 0;
    }
    const std::size_t names = o.latest ? 0 : 1;
    if (operands.size() > names + 1) throw UsageError("'kist port' takes one container and one port");
    Selection selection{.latest = o.latest};
    if (!o.latest && !operands.empty()) selection.names.push_back(operands.front());
    if (operands.size() > names) check_port(operands[names]);
    const ContainerId id = select_one(session, selection);
    if (operands.size() > names)
        throw NotFound("container '{}' has not published port '{}'", o.latest ? id.short_id() : operands.front(),
                       operands[names]);
    return 0;
}

} // namespace

const Command port{.path = "container port",
                   .shortcut = "port",
                   .alias = "",
                   .summary = "Show the published ports of a container",
                   .usage = "CONTAINER [PORT[/PROTOCOL]]",
                   .section = Section::container,
                   .completes = Completes::container,
                   .operands = {0, 2},
                   .options = facts_of<options>,
                   .run = show_ports};

} // namespace kist::cli::command
