// SPDX-License-Identifier: Apache-2.0
// kist volume ls: the volumes that are here.
#include "cli/commands/all.hh"
#include "cli/format/listing.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/volumes.hh"

namespace kist::cli::command {
namespace {

struct List {
    std::optional<std::string> format;
    std::vector<std::string> filters;
    bool no_heading = false, quiet = false;
};

constexpr auto options = std::to_array<Option<List>>({
    {{"f,filter", "KEY=VALUE", "Only volumes that match: dangling, name, label, driver, opt, until … (repeatable)"},
     &List::filters},
    {{"format", "FORMAT", "'json', 'table', 'table TEMPLATE' or a template"}, &List::format},
    {{"n,noheading", "", "No line of headings"}, &List::no_heading},
    {{"q,quiet", "", "Print names only"}, &List::quiet},
});

constexpr auto columns = std::to_array<Column>({{"Driver", "DRIVER", true},
                                                {"Name", "VOLUME NAME", true},
                                                {"Scope", "SCOPE"},
                                                {"Mountpoint", "MOUNTPOINT"},
                                                {"Labels", "LABELS"},
                                                {"Options", "OPTIONS"},
                                                {"CreatedAt", "CREATED AT"},
                                                {"Anonymous", "ANONYMOUS"},
                                                {"Links", "LINKS"},
                                                {"Size", "SIZE"},
                                                {"Availability", "AVAILABILITY"},
                                                {"Group", "GROUP"},
                                                {"Status", "STATUS"},
                                                {"UID", "UID"},
                                                {"GID", "GID"}});

int list(Session& session) {
    List o;
    parse_into(o, options, session);
    const Listing listing("volume ls", columns,
                          {.format = o.format, .quiet = o.quiet, .no_heading = o.no_heading, .quiet_field = "Name"});
    engine::Engine& engine = session.engine();
    std::vector<Row> rows;
    for (const engine::VolumeView& view : engine::list_volumes(engine, o.filters)) {
        Value labels = Value::object();
        for (const auto& [key, value] : view.record.labels) labels.set(key, value);
        rows.push_back(
            {.fields = engine::volume_row(engine, view, listing.needs("Size")), .labels = std::move(labels)});
    }
    print(listing.render(rows));
    return 0;
}

} // namespace

const Command volume_ls{.path = "volume ls",
                        .shortcut = "",
                        .alias = "volume list",
                        .summary = "List volumes",
                        .usage = "",
                        .section = Section::volume,
                        .operands = operands::none,
                        .options = facts_of<options>,
                        .run = list};

} // namespace kist::cli::command
