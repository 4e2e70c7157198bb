// SPDX-License-Identifier: Apache-2.0
// kist search: images of a registry by a word, or the tags of one.
#include "engine/search.hh"

#include "cli/commands/all.hh"
#include "cli/format/listing.hh"
#include "cli/output.hh"
#include "cli/parse.hh"
#include "cli/registry_options.hh"
#include "cli/session.hh"
#include "engine/tags.hh"

namespace kist::cli::command {
namespace {

struct Search : engine::SearchOptions {
    std::optional<std::string> format;
    bool list_tags = false;
};

constexpr auto own_options = std::to_array<Option<Search>>({
    {{"f,filter", "KEY=VALUE", "stars=NUMBER, is-official or is-automated (repeatable)"}, &Search::filters},
    {{"format", "FORMAT", "'json', 'table' or a template"}, &Search::format},
    {{"limit", "NUMBER", "At most so many results (default 25)"}, &Search::limit},
    {{"list-tags", "", "List the tags of the image that is named"}, &Search::list_tags},
    {{"no-trunc", "", "Do not shorten"}, &Search::no_trunc},
});
constexpr auto options = sorted(concat(registry_options<Search>(), creds_option<Search>(), own_options));

constexpr auto columns = std::to_array<Column>({
    {"Name", "NAME", true},
    {"Description", "DESCRIPTION", true},
    {"Stars", "STARS", true},
    {"Official", "OFFICIAL", true},
    {"Automated", "AUTOMATED"},
    {"Index", "INDEX"},
});
constexpr auto tag_columns = std::to_array<Column>({
    {"Name", "NAME", true},
    {"Tag", "TAG", true},
});

int search_tags(Session& session, const std::string& name, const Search& o) {
    const Listing listing("search", tag_columns, {.format = o.format});
    const storage::Reference reference = storage::Reference::parse(name);
    std::vector<Row> rows;
    for (const std::string& tag : engine::list_tags(session.engine(), reference, o)) {
        if (rows.size() == static_cast<std::size_t>(o.limit)) break;
        Value row = Value::object();
        row.set("Name", reference.familiar_name());
        row.set("Tag", tag);
        rows.push_back({.fields = std::move(row)});
    }
    print(listing.render(rows));
    return 0;
}

int search_images(Session& session) {
    Search o;
    const std::vector<std::string> operands = parse_into(o, options, session);
    complete_creds(o);
    if (o.list_tags) return search_tags(session, operands.front(), o);
    const Listing listing("search", columns, {.format = o.format});
    std::vector<Row> rows;
    for (Value& row : engine::search(session.engine(), operands.front(), o)) rows.push_back({.fields = std::move(row)});
    print(listing.render(rows));
    return 0;
}

} // namespace

const Command search{.path = "image search",
                     .shortcut = "search",
                     .alias = "",
                     .summary = "Search a registry for images",
                     .usage = "TERM",
                     .section = Section::image,
                     .operands = operands::exactly_one,
                     .options = facts_of<options>,
                     .run = search_images};

} // namespace kist::cli::command
