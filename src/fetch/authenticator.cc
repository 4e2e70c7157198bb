// SPDX-License-Identifier: Apache-2.0
// Basic authentication and the token services of registries.
// https://distribution.github.io/distribution/spec/auth/token/
#include "fetch/authenticator.hh"

#include <algorithm>

#include "base/error.hh"
#include "base/json.hh"
#include "base/text.hh"
#include "fetch/address.hh"
#include "fetch/refusal.hh"
#include "registry/base64.hh"

namespace kist::fetch {
namespace {

using registry::Url;
using registry::url_encode;
constexpr json::Limits token_json{
    .bytes = static_cast<std::size_t>(registry::token_limit), .depth = 32, .values = 10'000};

/// Headers are lines: a token with a line end in it would add one.
bool is_header_text(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::string parameter(const registry::Challenge& challenge, const char* name) {
    const auto found = challenge.parameters.find(name);
    return found == challenge.parameters.end() ? std::string() : found->second;
}

std::string string_member(const Value& document, std::string_view name) {
    const Value* member = document.find(name);
    return member != nullptr && member->is_string() ? member->as_string() : std::string();
}

} // namespace

std::string Authenticator::header() {
    const std::lock_guard guard(mutex_);
    return header_;
}

std::string Authenticator::scopes() const {
    if (setup_.repository.empty()) return "";
    std::string text =
        "&scope=" + url_encode("repository:" + setup_.repository + (setup_.push ? ":pull,push" : ":pull"));
    for (const std::string& other : setup_.mount_from) text += "&scope=" + url_encode("repository:" + other + ":pull");
    return text;
}

Request Authenticator::token_request(const registry::Challenge& challenge, const Url& realm, bool trusted) {
    const bool has_secret = !setup_.user.empty() || !setup_.identity_token.empty();
    if (has_secret && !trusted)
        throw Error("the registry wants the password sent to '{}', another host: refused", printable(realm.origin()))
            .with_hint("if that is right, name the host in token-hosts of this registry in kist.json");
    Request request;
    request.url = realm;
    request.is_foreign = realm.host != base_.host;
    request.loopback = is_loopback_name(base_.host);
    std::string query = "service=" + url_encode(parameter(challenge, "service")) + scopes();
    if (!setup_.identity_token.empty()) {
        body_ =
            "grant_type=refresh_token&client_id=kist&" + query + "&refresh_token=" + url_encode(setup_.identity_token);
        request.method = "POST";
        request.text = &body_;
        request.headers.push_back("Content-Type: application/x-www-form-urlencoded");
        return request;
    }
    if (has_secret)
        request.headers.push_back("Authorization: Basic " +
                                  registry::base64_encode(setup_.user + ":" + setup_.password));
    request.url.path += (request.url.path.find('?') == std::string::npos ? "?" : "&") + query;
    return request;
}

void Authenticator::fetch_token(Http& http, const registry::Challenge& challenge) {
    const auto realm = registry::parse_url(parameter(challenge, "realm"));
    if (!realm)
        throw Error("the registry names '{}' as its token service, which is no address",
                    printable(parameter(challenge, "realm")));
    const bool trusted = registry::may_get_credential(base_, *realm, setup_.token_hosts);
    if (realm->scheme != "https" && !trusted)
        throw Error("the registry's token service '{}' is neither https nor the registry itself",
                    printable(realm->origin()));
    Request request = token_request(challenge, *realm, trusted);
    std::string body;
    request.sink = [&](std::string_view bytes) {
        body.append(bytes);
        return body.size() <= static_cast<std::size_t>(registry::token_limit);
    };
    const Response response = http.perform(request);
    if (body.size() > static_cast<std::size_t>(registry::token_limit)) throw Error("the token is larger than 1 MiB");
    if (!response.failure.empty())
        throw Error("asking '{}' for a token: {}", realm->origin(), response.failure).with_hint(response.hint);
    if (response.status != 200) refuse(response, "token", setup_);
    const Value document = json::parse(body, "token", token_json);
    std::string token = string_member(document, "token");
    if (token.empty()) token = string_member(document, "access_token");
    if (token.empty() || !is_header_text(token)) throw Error("'{}' answers without a valid token", realm->origin());
    header_ = "Bearer " + token;
}

bool Authenticator::answer(Http& http, const Response& denied, const std::string& used) {
    const std::lock_guard guard(mutex_);
    if (header_ != used) return true; // another request was faster
    const auto challenge = registry::parse_challenge(denied.challenge);
    if (!challenge) throw Error("the registry asks for authentication in a way that is no valid header");
    if (challenge->scheme == "bearer") {
        fetch_token(http, *challenge);
        return true;
    }
    if (challenge->scheme != "basic" || setup_.user.empty()) return false;
    const std::string basic = "Basic " + registry::base64_encode(setup_.user + ":" + setup_.password);
    if (basic == used) return false;
    header_ = basic;
    return true;
}

} // namespace kist::fetch
