// SPDX-License-Identifier: Apache-2.0
// What comes from the registry is text for a terminal: it is cleaned and bounded before anybody sees it.
#include "engine/search.hh"

#include <algorithm>

#include "base/error.hh"
#include "base/json.hh"
#include "base/text.hh"
#include "registry/fetcher.hh"
#include "storage/programs.hh"

namespace kist::engine {
namespace {

constexpr std::size_t description_width = 44;

struct Filters {
    std::int64_t stars = 0;
    std::optional<bool> official, automated;
};

std::optional<bool> parse_flag(const std::optional<std::string>& text, const std::string& filter) {
    if (!text || *text == "true" || *text == "1") return true;
    if (*text == "false" || *text == "0") return false;
    throw UsageError("invalid filter '{}': it is true or false", printable(filter));
}

Filters parse_filters(const std::vector<std::string>& texts) {
    Filters filters;
    for (const std::string& text : texts) {
        const auto [key, value] = split_once(text, '=');
        if (key == "stars") {
            const auto stars = value ? parse_unsigned(*value, INT32_MAX) : std::nullopt;
            if (!stars) throw UsageError("invalid filter '{}': stars is a number", printable(text));
            filters.stars = static_cast<std::int64_t>(*stars);
        } else if (key == "is-official") {
            filters.official = parse_flag(value, text);
        } else if (key == "is-automated") {
            filters.automated = parse_flag(value, text);
        } else {
            throw UsageError("unknown filter '{}': it is stars, is-official or is-automated", printable(key));
        }
    }
    return filters;
}

/// One line without control characters.
std::string clean(const Value& row, const char* name) {
    const Value* text = row.find(name);
    if (text == nullptr || !text->is_string()) return "";
    std::string line = text->as_string();
    std::replace_if(
        line.begin(), line.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, ' ');
    return is_utf8(line) ? line : printable(line);
}
bool flag(const Value& row, const char* name) {
    const Value* value = row.find(name);
    return value != nullptr && value->is_bool() && value->as_bool();
}
std::int64_t number(const Value& row, const char* name) {
    const Value* value = row.find(name);
    return value != nullptr && value->is_signed() ? value->as_signed() : 0;
}

bool matches(const Value& row, const Filters& filters) {
    return number(row, "star_count") >= filters.stars &&
           (!filters.official || *filters.official == flag(row, "is_official")) &&
           (!filters.automated || *filters.automated == flag(row, "is_automated"));
}

Value make_row(const Value& found, const std::string& host, bool no_trunc) {
    const std::string name = clean(found, "name"), description = clean(found, "description");
    Value row = Value::object();
    row.set("Index", host);
    row.set("Name", host == "docker.io" ? name : host + "/" + name);
    row.set("Description", no_trunc ? description : ellipsis(description, description_width));
    row.set("Stars", number(found, "star_count"));
    row.set("Official", flag(found, "is_official") ? "[OK]" : "");
    row.set("Automated", flag(found, "is_automated") ? "[OK]" : "");
    return row;
}

} // namespace

std::vector<Value> search(Engine& engine, const std::string& term, const SearchOptions& options) {
    if (options.limit < 1 || options.limit > 100) throw UsageError("--limit is a number from 1 to 100");
    const Filters filters = parse_filters(options.filters);
    const auto slash = term.find('/');
    const std::string first = term.substr(0, slash);
    const bool has_host =
        slash != std::string::npos && (first.find_first_of(".:") != std::string::npos || first == "localhost");
    const std::string host = has_host ? first : "docker.io";
    const std::string words = has_host ? term.substr(slash + 1) : term;
    if (words.empty() && !has_host) throw UsageError("needs a word to search for");
    try {
        registry::Setup setup = make_setup(engine.config(), host, "", options);
        add_credential(setup, host, options);
        // Docker Hub searches under another name than it serves images.
        if (host == "docker.io") setup.host = "index.docker.io";
        registry::Fetcher fetcher(storage::program_path("kist-fetch"), setup);
        registry::Ask ask;
        ask.kind = "search";
        ask.reference = words;
        ask.size = options.limit;
        const std::string text = fetcher.bytes(ask, registry::listing_limit);
        const Value document = json::parse(text, "answer of kist-fetch", {.bytes = registry::listing_limit});
        std::vector<Value> rows;
        for (const Value& found : document.as_list())
            if (found.is_object() && matches(found, filters) && rows.size() < static_cast<std::size_t>(options.limit))
                rows.push_back(make_row(found, host, options.no_trunc));
        return rows;
    } catch (Error& error) {
        error.while_doing("searching '{}'", host);
        throw;
    }
}

} // namespace kist::engine
