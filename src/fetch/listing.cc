// SPDX-License-Identifier: Apache-2.0
// Pages are followed by their Link header, bounded in number and size.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#content-discovery
#include "fetch/listing.hh"

#include <set>

#include "base/error.hh"
#include "base/json.hh"
#include "base/text.hh"
#include "fetch/refusal.hh"

namespace kist::fetch {
namespace {

constexpr int most_pages = 1000;
constexpr std::size_t most_names = 200'000;
constexpr std::int64_t page_limit = 4 << 20;
constexpr json::Limits page_json{.bytes = static_cast<std::size_t>(page_limit), .depth = 16, .values = 200'000};

/// `<ADDRESS>; rel="next"` on the registry itself.
std::string next_page(const Session& session, const std::string& asked, const std::string& link) {
    const auto open = link.find('<'), close = link.find('>');
    if (open == std::string::npos || close == std::string::npos || link.find("next", close) == std::string::npos)
        return "";
    const auto url =
        registry::resolve_url(session.url(asked), std::string_view(link).substr(open + 1, close - open - 1));
    if (!url || url->origin() != session.base().origin())
        throw Error("the next page of the listing is not at the registry: refused");
    return url->path;
}

void add_names(const Value& document, const char* member, std::vector<std::string>& names) {
    const Value* list = document.find(member);
    if (list == nullptr || list->is_null()) return; // no tags
    if (!list->is_list()) throw Error("the registry's listing has no list of {}", member);
    for (const Value& name : list->as_list()) {
        if (!name.is_string()) throw Error("the registry's listing has a name that is no text");
        names.push_back(name.as_string());
    }
}

std::vector<std::string> list_names(Session& session, std::string path, const char* member, std::size_t enough) {
    std::vector<std::string> names;
    std::set<std::string> seen;
    while (!path.empty() && names.size() < enough) {
        if (!seen.insert(path).second || seen.size() > most_pages || names.size() > most_names)
            throw Error("the registry's listing does not come to an end");
        const Session::Text page = session.text(path, {"application/json"}, page_limit);
        add_names(json::parse(page.bytes, "listing", page_json), member, names);
        path = next_page(session, path, page.link);
    }
    return names;
}

Value row(const std::string& name) {
    Value row = Value::object();
    row.set("name", name);
    return row;
}

/// Docker Hub and registries that copy its first protocol.
Value search_first_protocol(Session& session, const std::string& words, std::int64_t limit) {
    const Session::Text text =
        session.text("/v1/search?q=" + registry::url_encode(words) + "&n=" + std::to_string(limit), {}, page_limit);
    const Value document = json::parse(text.bytes, "search result", page_json);
    const Value* results = document.find("results");
    if (results == nullptr || !results->is_list()) throw Error("the registry's search result has no list of results");
    return *results;
}

} // namespace

std::vector<std::string> list_tags(Session& session) { return list_names(session, "tags/list", "tags", SIZE_MAX); }

Value search_images(Session& session, const std::string& words, std::int64_t limit) {
    try {
        return search_first_protocol(session, words, limit);
    } catch (const Refused& refused) {
        if (refused.kind != Refused::Kind::missing) throw;
    }
    Value found = Value::list();
    for (const std::string& name : list_names(session, "/v2/_catalog?n=1000", "repositories", most_names))
        if (name.find(words) != std::string::npos && found.as_list().size() < static_cast<std::size_t>(limit))
            found.push(row(name));
    return found;
}

} // namespace kist::fetch
