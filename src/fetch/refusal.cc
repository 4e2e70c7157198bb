// SPDX-License-Identifier: Apache-2.0
// Statuses and error documents of registries.
#include "fetch/refusal.hh"

#include "base/json.hh"
#include "base/text.hh"

namespace kist::fetch {
namespace {

constexpr json::Limits error_json{.bytes = 1u << 20, .depth = 32, .values = 10'000};

/// The registry's own words, from its error document.
std::string reason_in(const Response& response) {
    try {
        const Value document = json::parse(response.error_body, "error", error_json);
        const Value* errors = document.find("errors");
        const Value* first = errors != nullptr && errors->is_list() && !errors->as_list().empty()
                                 ? &errors->as_list().front()
                                 : &document;
        for (const char* name : {"message", "details", "error_description", "error"})
            if (const Value* text = first->find(name); text != nullptr && text->is_string())
                return printable(text->as_string());
    } catch (const Error&) { // a page for people
    }
    return "";
}

} // namespace

void refuse(const Response& response, const std::string& what, const registry::Setup& setup) {
    using Kind = Refused::Kind;
    const auto fail = [](Kind kind, std::string text, std::string hint) {
        Refused refused(kind, std::move(text));
        refused.with_hint(std::move(hint));
        throw refused;
    };
    if (!response.failure.empty()) fail(Kind::other, response.failure, response.hint);
    const std::string said = reason_in(response);
    const std::string tail = said.empty() ? "" : ": " + said;
    const std::string host = setup.host == "registry-1.docker.io" ? "docker.io" : setup.host;
    const bool has_secret = !setup.user.empty() || !setup.identity_token.empty();
    if (response.status == 401 || response.status == 403)
        fail(Kind::denied, "the registry denies access" + tail,
             has_secret ? "is the password of 'kist login " + host + "' still right, and may the user do this?"
                        : "the repository may not exist or may need 'kist login " + host + "'");
    if (response.status == 404) fail(Kind::missing, "'" + printable(what) + "' is not there" + tail, "");
    if (response.status == 429) {
        const std::string pause =
            response.retry_after.empty() ? "" : " (it asks to wait " + printable(response.retry_after) + " seconds)";
        fail(Kind::other, "the registry's rate limit is reached" + pause + tail,
             "try again later, or log in: users may have a higher limit");
    }
    fail(Kind::other, fmt::format("the registry answers with status {}{}", response.status, tail), "");
    throw Error("unreachable");
}

} // namespace kist::fetch
