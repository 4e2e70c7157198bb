// SPDX-License-Identifier: Apache-2.0
// kist network ls: the networks that containers can be in.
#include "cli/commands/all.hh"
#include "cli/format/listing.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/networks.hh"

namespace kist::cli::command {
namespace {

struct List {
    std::vector<std::string> filters;
    std::optional<std::string> format;
    bool no_heading = false, no_trunc = false, quiet = false;
};

constexpr auto options = std::to_array<Option<List>>({
    {{"f,filter", "KEY=VALUE", "Only networks that match: name, id, driver, label, type, dangling … (repeatable)"},
     &List::filters},
    {{"format", "FORMAT", "'json', 'table', 'table TEMPLATE' or a template"}, &List::format},
    {{"no-trunc", "", "Do not shorten IDs"}, &List::no_trunc},
    {{"n,noheading", "", "No line of headings"}, &List::no_heading},
    {{"q,quiet", "", "Print names only"}, &List::quiet},
});

constexpr auto columns = std::to_array<Column>({{"ID", "NETWORK ID", true},
                                                {"Name", "NAME", true},
                                                {"Driver", "DRIVER", true},
                                                {"Scope", "SCOPE", true},
                                                {"IPv4", "IPV4"},
                                                {"IPv6", "IPV6"},
                                                {"Internal", "INTERNAL"},
                                                {"Labels", "LABELS"},
                                                {"CreatedAt", "CREATED AT"},
                                                {"Created", "CREATED AT"}});

int list(Session& session) {
    List o;
    parse_into(o, options, session);
    const Listing listing("network ls", columns,
                          {.format = o.format, .quiet = o.quiet, .no_heading = o.no_heading, .quiet_field = "Name"});
    std::vector<Row> rows;
    for (const storage::NetworkConfig& network : engine::list_networks(session.engine(), o.filters)) {
        Value labels = Value::object();
        for (const auto& [key, value] : network.labels) labels.set(key, value);
        rows.push_back({.fields = engine::network_row(network, o.no_trunc), .labels = std::move(labels)});
    }
    print(listing.render(rows));
    return 0;
}

} // namespace

const Command network_ls{.path = "network ls",
                         .shortcut = "",
                         .alias = "network list",
                         .summary = "List networks",
                         .usage = "",
                         .section = Section::network,
                         .operands = operands::none,
                         .options = facts_of<options>,
                         .run = list};

} // namespace kist::cli::command
