// SPDX-License-Identifier: Apache-2.0
// kist ps: containers, newest first.
#include <algorithm>

#include "base/parallel.hh"
#include "cli/commands/all.hh"
#include "cli/format/listing.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/containers.hh"

namespace kist::cli::command {
namespace {

struct Ps {
    bool all = false, latest = false, no_heading = false, no_trunc = false, quiet = false, size = false;
    std::optional<int> last;
    std::vector<std::string> filters;
    std::optional<std::string> format;
    std::string sort;
};

constexpr auto options = sorted(std::to_array<Option<Ps>>({
    {{"a,all", "", "Also those that do not run"}, &Ps::all},
    {{"f,filter", "KEY=VALUE", "Only containers that match, whether they run or not with status= (repeatable)"},
     &Ps::filters},
    {{"format", "FORMAT", "'json', 'table', 'table TEMPLATE' or a template"}, &Ps::format},
    {{"n,last", "N", "The N created last, whether they run or not"}, &Ps::last},
    {{"l,latest", "", "The one created last, whether it runs or not"}, &Ps::latest},
    {{"no-trunc", "", "Do not shorten IDs and commands"}, &Ps::no_trunc},
    {{"noheading", "", "No line of headings"}, &Ps::no_heading},
    {{"q,quiet", "", "Print IDs only"}, &Ps::quiet},
    {{"s,size", "", "Show the size of what each has written"}, &Ps::size},
    {{"sort", "FIELD", "By command, created, id, image, names, runningfor, size or status", Completes::words,
      "command|created|id|image|names|runningfor|size|status"},
     &Ps::sort},
}));

constexpr auto columns = std::to_array<Column>({
    {"ID", "CONTAINER ID", true},
    {"Image", "IMAGE", true},
    {"Command", "COMMAND", true},
    {"RunningFor", "CREATED", true},
    {"Status", "STATUS", true},
    {"Ports", "PORTS", true},
    {"Names", "NAMES", true},
    {"Size", "SIZE"},
    {"CreatedAt", "CREATED AT"},
    {"State", "STATE"},
    {"Labels", "LABELS"},
    {"Mounts", "MOUNTS"},
    {"Networks", "NETWORKS"},
    {"LocalVolumes", "LOCAL VOLUMES"},
    {"ImageID", "IMAGE ID"},
    {"Pid", "PID"},
    {"ExitCode", "EXIT CODE"},
    {"Restarts", "RESTARTS"},
    {"Created", "CREATED"},
    {"CreatedHuman", "CREATED"},
    {"Pod", "POD ID"},
    {"PodName", "PODNAME"},
    {"Exited", "EXITED"},
    {"ExitedAt", "EXITED"},
    {"StartedAt", "STARTED"},
    {"AutoRemove", "AUTO REMOVE"},
    {"Id", "CONTAINER ID"},
    {"Name", "NAMES"},
    {"CIDFile", "CIDFILE"},
});

/// The member of `ps_row` that a word of --sort means.
std::string_view sort_field(const std::string& word) {
    constexpr std::pair<std::string_view, std::string_view> fields[] = {
        {"command", "Command"}, {"created", "Created"},    {"id", "ID"},     {"image", "Image"},
        {"names", "Names"},     {"runningfor", "Created"}, {"size", "Size"}, {"status", "Status"}};
    for (const auto& [name, field] : fields)
        if (name == word) return field;
    throw UsageError(
        "invalid value '{}' for --sort: expected command, created, id, image, names, runningfor, size or status", word);
}

bool comes_before(const Value& a, const Value& b) {
    if (a.is_signed() && b.is_signed()) return a.as_signed() < b.as_signed();
    return a.is_string() && b.is_string() && a.as_string() < b.as_string();
}

engine::ListOptions what_to_list(const Ps& o) {
    engine::ListOptions list{.all = o.all, .last = -1, .filters = o.filters, .size = o.size};
    if (o.latest) list.last = 1;
    if (o.last) list.last = *o.last;
    return list;
}

int list(Session& session) {
    Ps o;
    parse_into(o, options, session);
    const std::string_view by = o.sort.empty() ? std::string_view{} : sort_field(o.sort);
    ListingOptions how{.format = o.format, .quiet = o.quiet, .no_heading = o.no_heading};
    if (o.size) how.changes = {{"Size", "SIZE", true}};
    const Listing listing("ps", columns, how);
    const bool size = o.size || by == "Size" || (o.format && listing.needs("Size"));
    const engine::RowOptions row{.no_trunc = o.no_trunc, .size = size, .wants = [&](std::string_view field) {
                                     return field == by || listing.needs(field);
                                 }};
    engine::Engine& engine = session.engine();
    const std::vector<storage::ContainerView> views = engine::list(engine, what_to_list(o));
    std::vector<Row> rows(views.size());
    in_parallel(views.size(), [&](std::size_t i) {
        rows[i].fields = engine::ps_row(engine, views[i], row);
        if (o.format) rows[i].labels = to_value(views[i].config.labels); // only templates ask for them
    });
    if (!by.empty())
        std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
            return comes_before(*a.fields.find(by), *b.fields.find(by));
        });
    print(listing.render(rows));
    return 0;
}

} // namespace

const Command ps{.path = "container ls",
                 .shortcut = "ps",
                 .alias = "container list,container ps",
                 .summary = "List containers",
                 .usage = "",
                 .section = Section::container,
                 .operands = operands::none,
                 .options = facts_of<options>,
                 .run = list};

} // namespace kist::cli::command
