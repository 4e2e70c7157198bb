// SPDX-License-Identifier: Apache-2.0
// kist system df: what is used on disk, and what could be freed.
#include "base/error.hh"
#include "base/size.hh"
#include "base/text.hh"
#include "base/time.hh"
#include "cli/commands/all.hh"
#include "cli/format/listing.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/describe.hh"
#include "engine/disk_usage.hh"

namespace kist::cli::command {
namespace {

struct Df {
    std::optional<std::string> format;
    bool verbose = false;
};

constexpr auto options = std::to_array<Option<Df>>({
    {{"format", "FORMAT", "'json', 'table', 'table TEMPLATE' or a template"}, &Df::format},
    {{"v,verbose", "", "Each image, container and volume"}, &Df::verbose},
});

constexpr auto columns = std::to_array<Column>({{"Type", "TYPE", true},
                                                {"TotalCount", "TOTAL", true},
                                                {"Active", "ACTIVE", true},
                                                {"Size", "SIZE", true},
                                                {"Reclaimable", "RECLAIMABLE", true},
                                                {"Total", "TOTAL"},
                                                {"RawSize", "RAW SIZE"},
                                                {"RawReclaimable", "RAW RECLAIMABLE"}});

std::string size_text(std::int64_t bytes) { return human_size(static_cast<double>(bytes)); }

Row sum_row(const char* type, const engine::Usage& usage) {
    Value row = Value::object();
    row.set("Type", type);
    row.set("TotalCount", usage.total);
    row.set("Total", usage.total);
    row.set("Active", usage.active);
    row.set("Size", size_text(usage.size));
    row.set("RawSize", usage.size);
    row.set("RawReclaimable", usage.reclaimable);
    std::string reclaimable = size_text(usage.reclaimable);
    if (usage.size > 0) reclaimable += fmt::format(" ({}%)", usage.reclaimable * 100 / usage.size);
    row.set("Reclaimable", reclaimable);
    return {.fields = std::move(row)};
}

std::string since(std::int64_t moment) {
    return human_duration(std::chrono::nanoseconds(Moment::now().ns - moment)) + " ago";
}

std::string images_table(const engine::DiskUsage& usage) {
    TextTable table({"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE", "CONTAINERS"});
    for (const engine::ImageUse& use : usage.images) {
        const auto add = [&](const std::string& repository, const std::string& tag) {
            table.row({repository, tag, use.image.id.substr(7, 12),
                       use.image.created > 0 ? since(use.image.created) : "N/A", size_text(use.image.size),
                       size_text(use.shared), size_text(use.unique()), std::to_string(use.containers)});
        };
        for (const storage::Reference& name : use.names)
            add(name.familiar_name(), name.tag.empty() ? "<none>" : name.tag);
        if (use.names.empty()) add("<none>", "<none>");
    }
    return table.str();
}

std::string containers_table(const engine::DiskUsage& usage) {
    TextTable table({"CONTAINER ID", "IMAGE", "COMMAND", "SIZE", "LOG SIZE", "CREATED", "STATUS", "NAMES"});
    for (const engine::ContainerUse& use : usage.containers) {
        const auto& config = use.view.config;
        table.row({config.id.substr(0, 12), config.image_name, "\"" + ellipsis(engine::command_text(config), 20) + "\"",
                   size_text(use.own), size_text(use.logs), since(config.created), engine::status_text(use.view),
                   config.name});
    }
    return table.str();
}

std::string volumes_table(const engine::DiskUsage& usage) {
    TextTable table({"VOLUME NAME", "LINKS", "SIZE"});
    for (const engine::VolumeUse& use : usage.volumes)
        table.row({use.view.record.name, std::to_string(use.view.users.size()), size_text(use.size)});
    return table.str();
}

int show_usage(Session& session) {
    Df o;
    parse_into(o, options, session);
    if (o.verbose && o.format) throw UsageError("--format and --verbose cannot be combined");
    const Listing listing("system df", columns, {.format = o.format});
    const engine::DiskUsage usage = engine::disk_usage(session.engine());
    if (o.verbose) {
        print("Images space usage:\n\n" + images_table(usage) + "\nContainers space usage:\n\n" +
              containers_table(usage) + "\nLocal Volumes space usage:\n\n" + volumes_table(usage));
        return 0;
    }
    print(listing.render({sum_row("Images", usage.image_sum), sum_row("Containers", usage.container_sum),
                          sum_row("Local Volumes", usage.volume_sum)}));
    return 0;
}

} // namespace

const Command system_df{.path = "system df",
                        .shortcut = "",
                        .alias = "",
                        .summary = "Show what is used on disk, and what could be freed",
                        .usage = "",
                        .section = Section::system,
                        .operands = operands::none,
                        .options = facts_of<options>,
                        .run = show_usage};

} // namespace kist::cli::command
