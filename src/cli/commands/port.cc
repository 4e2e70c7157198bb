// SPDX-License-Identifier: Apache-2.0
// kist port: where a container's published ports are on the host.
#include "base/error.hh"
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/selection.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

struct Port {
    bool all = false;
    bool latest = false;
};

constexpr auto options =
    sorted(concat(std::to_array<Option<Port>>({{{"a,all", "", "The ports of every running container"}, &Port::all}}),
                  latest_option<Port>()));

std::string wanted_port(const std::string& text) {
    const auto [number, protocol] = split_once(text, '/');
    const bool known = !protocol || *protocol == "tcp" || *protocol == "udp" || *protocol == "sctp";
    if (!known || parse_unsigned(number, 65535).value_or(0) == 0)
        throw UsageError("invalid port '{}': expected PORT or PORT/tcp, udp or sctp", printable(text));
    return number + "/" + protocol.value_or("tcp");
}

/// The lines of every running container, each with its ID in front, as Podman prints them.
int show_all(Session& session) {
    for (const storage::ContainerView& view : engine::list(session.engine(), {}))
        for (const engine::PublishedPort& port : engine::published_ports(view))
            print_line(view.config.id.substr(0, 12) + "\t" + port.container + " -> " + port.host);
    return 0;
}

int show_ports(Session& session) {
    Port o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    if (o.all) {
        if (o.latest || !operands.empty()) throw UsageError("--all and a container exclude each other");
        return show_all(session);
    }
    const std::size_t names = o.latest ? 0 : 1;
    if (operands.size() > names + 1) throw UsageError("'kist port' takes one container and one port");
    Selection selection{.latest = o.latest};
    if (!o.latest && !operands.empty()) selection.names.push_back(operands.front());
    const std::string wanted = operands.size() > names ? wanted_port(operands[names]) : "";
    const ContainerId id = select_one(session, selection);
    const auto view = session.engine().containers().view(id);
    bool found = false;
    for (const engine::PublishedPort& port :
         view ? engine::published_ports(*view) : std::vector<engine::PublishedPort>{}) {
        if (wanted.empty()) print_line(port.container + " -> " + port.host);
        else if (port.container == wanted) print_line(port.host);
        found = found || port.container == wanted;
    }
    if (!wanted.empty() && !found)
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
