// SPDX-License-Identifier: Apache-2.0
// kist images: the images that are here, a line for each name.
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/format/listing.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/image_use_cases.hh"

namespace kist::cli::command {
namespace {

struct Images : engine::ImageListOptions {
    std::optional<std::string> format;
    bool digests = false, history = false, no_heading = false, no_trunc = false, quiet = false;
};

constexpr auto options = std::to_array<Option<Images>>({
    {{"a,all", "", "Also intermediate images (there are none: kept for scripts that say it)"}, &Images::all},
    {{"digests", "", "Show the digest of each image's manifest"}, &Images::digests},
    {{"f,filter", "KEY=VALUE", "Only images that match: dangling, label, before, since, until, reference (repeatable)"},
     &Images::filters},
    {{"format", "FORMAT", "'json', 'table', 'table TEMPLATE' or a template"}, &Images::format},
    {{"history", "", "Show what each image is and was called, the latest name first"}, &Images::history},
    {{"no-trunc", "", "Do not shorten IDs"}, &Images::no_trunc},
    {{"n,noheading", "", "No line of headings"}, &Images::no_heading},
    {{"q,quiet", "", "Print IDs only"}, &Images::quiet},
    {{"sort", "KEY", "created (the default: the newest first), id, repository, size or tag", Completes::words,
      "created|id|repository|size|tag"},
     &Images::sort},
});

constexpr auto columns = std::to_array<Column>({{"Repository", "REPOSITORY", true},
                                                {"Tag", "TAG", true},
                                                {"Digest", "DIGEST"},
                                                {"ID", "IMAGE ID", true},
                                                {"CreatedSince", "CREATED", true},
                                                {"Size", "SIZE", true},
                                                {"CreatedAt", "CREATED AT"},
                                                {"Containers", "CONTAINERS"},
                                                {"SharedSize", "SHARED SIZE"},
                                                {"UniqueSize", "UNIQUE SIZE"},
                                                {"VirtualSize", "SIZE"},
                                                {"Labels", "LABELS"},
                                                {"Id", "IMAGE ID"},
                                                {"Created", "CREATED"},
                                                {"History", "HISTORY"},
                                                {"Names", "NAMES"},
                                                {"RepoTags", "REPO TAGS"},
                                                {"RepoDigests", "REPO DIGESTS"},
                                                {"ParentId", "PARENT"},
                                                {"Dangling", "DANGLING"},
                                                {"ReadOnly", "READ ONLY"}});

/// A list in JSON, in tables and templates a text.
Row as_row(Value fields) {
    Row row{.fields = std::move(fields)};
    if (const Value* labels = row.fields.find("Labels")) row.labels = *labels;
    const Value* history = row.fields.find("History");
    if (history == nullptr) return row;
    std::vector<std::string> names;
    for (const Value& name : history->as_list()) names.push_back(name.as_string());
    row.json = row.fields;
    row.fields.set("History", names.empty() ? "<none>" : join(names, ", "));
    return row;
}

int list(Session& session) {
    Images o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    if (!operands.empty()) o.reference = operands.front();
    ListingOptions how{.format = o.format, .quiet = o.quiet, .no_heading = o.no_heading};
    if (o.digests) how.changes.push_back({"Digest", "DIGEST", true});
    if (o.history) how.changes.push_back({"History", "HISTORY", true});
    const Listing listing("images", columns, how);
    std::vector<Row> rows;
    const engine::ImageRowOptions made{.no_trunc = o.no_trunc, .wants = [&](std::string_view field) {
                                           return (o.format && field == "Labels") || listing.needs(field);
                                       }};
    for (Value& row : engine::list_images(session.engine(), o, made)) rows.push_back(as_row(std::move(row)));
    print(listing.render(rows));
    return 0;
}

} // namespace

const Command images{.path = "image ls",
                     .shortcut = "images",
                     .alias = "image list",
                     .summary = "List images",
                     .usage = "[REFERENCE]",
                     .section = Section::image,
                     .completes = Completes::image,
                     .operands = operands::at_most_one,
                     .options = facts_of<options>,
                     .run = list};

} // namespace kist::cli::command
