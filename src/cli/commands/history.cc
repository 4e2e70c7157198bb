// SPDX-License-Identifier: Apache-2.0
// kist history: the steps that made an image.
#include "base/error.hh"
#include "base/text.hh"
#include "cli/commands/all.hh"
#include "cli/format/listing.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/session.hh"
#include "engine/image_use_cases.hh"
#include "engine/manifest_list.hh"

namespace kist::cli::command {
namespace {

struct History {
    std::optional<std::string> format;
    bool human = true;
    std::string platform;
    bool no_trunc = false;
    bool quiet = false;
};

constexpr auto options = std::to_array<Option<History>>({
    {{"format", "FORMAT", "'json', 'table' or a template"}, &History::format},
    {{"H,human", "", "Sizes and times for people (default true)"}, &History::human},
    {{"no-trunc", "", "Do not shorten"}, &History::no_trunc},
    {{"platform", "OS/ARCH[/VARIANT]", "Of the image for this platform (of a manifest list)"}, &History::platform},
    {{"q,quiet", "", "Print IDs only"}, &History::quiet},
});

constexpr auto columns = std::to_array<Column>({
    {"ID", "IMAGE", true},
    {"CreatedSince", "CREATED", true},
    {"CreatedBy", "CREATED BY", true},
    {"Size", "SIZE", true},
    {"Comment", "COMMENT", true},
    {"CreatedAt", "CREATED AT"},
    {"Created", "CREATED"},
    {"Tags", "TAGS"},
});

int show_history(Session& session) {
    History o;
    const std::vector<std::string> names = parse_into(o, options, session);
    const Listing listing("history", columns, {.format = o.format, .quiet = o.quiet});
    engine::Engine& engine = session.engine();
    if (o.platform.empty() && engine::is_manifest_list(engine, names.front()))
        throw Error("'{}' is a manifest list, not an image", printable(names.front()))
            .with_hint("--platform OS/ARCH shows the history of its image for that platform");
    std::vector<Row> rows;
    for (Value& row :
         engine::history(engine, engine::local_image(engine, names.front(), o.platform), o.no_trunc, o.human))
        rows.push_back({.fields = std::move(row)});
    print(listing.render(rows));
    return 0;
}

} // namespace

const Command history{.path = "image history",
                      .shortcut = "history",
                      .alias = "",
                      .summary = "Show the steps that made an image",
                      .usage = "IMAGE",
                      .section = Section::image,
                      .completes = Completes::image,
                      .operands = operands::exactly_one,
                      .options = facts_of<options>,
                      .run = show_history};

} // namespace kist::cli::command
