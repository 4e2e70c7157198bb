// SPDX-License-Identifier: Apache-2.0
// The distribution protocol's ways: 401 and tokens, redirects to storage, 429 and 5xx.
#include "fetch/session.hh"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/error.hh"
#include "base/fd.hh"
#include "base/json.hh"
#include "base/text.hh"

namespace kist::fetch {
namespace {

using registry::Url;
constexpr int most_redirects = 5;
constexpr std::uint64_t longest_pause = 60;
constexpr json::Limits document_limits{.bytes = 4u << 20, .depth = 32, .values = 100'000};

std::string base64(std::string_view bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t bits = 0;
        for (std::size_t k = 0; k < 3; ++k)
            bits = bits << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
        for (std::size_t k = 0; k < 4; ++k) text += i + k > bytes.size() ? '=' : digits[bits >> (18 - 6 * k) & 63];
    }
    return text;
}

std::string url_encoded(std::string_view text) {
    std::string encoded;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
        if (plain)
            encoded += c;
        else
            encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return encoded;
}

/// Headers are lines: a token with a line end in it would add one.
bool is_header_text(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::string string_member(const Value& document, std::string_view name) {
    const Value* member = document.find(name);
    return member != nullptr && member->is_string() ? member->as_string() : std::string();
}

/// The registry's own words, from its error document.
std::string reason_in(const Response& response) {
    try {
        const Value document = json::parse(response.error_body, "error", document_limits);
        const Value* errors = document.find("errors");
        if (errors == nullptr || !errors->is_list() || errors->as_list().empty()) return "";
        return printable(string_member(errors->as_list().front(), "message"));
    } catch (const Error&) {
        return "";
    }
}

bool is_redirect(long status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Url base_of(const registry::Setup& setup) {
    const auto url = registry::parse_url((setup.plain_http ? "http://" : "https://") + setup.host + "/");
    if (!url) throw Error("'{}' is no registry address", printable(setup.host));
    return *url;
}

} // namespace

Session::Session(registry::Setup setup, Trust trust) : setup_(std::move(setup)), base_(base_of(setup_)), http_(std::move(trust)) {}

Response Session::follow(Request request) {
    for (int hop = 0; hop <= most_redirects; ++hop) {
        std::vector<std::string> headers = request.headers;
        if (request.url.origin() == base_.origin() && !authorization_.empty()) headers.push_back("Authorization: " + authorization_);
        Response response = http_.get({request.url, std::move(headers), request.sink});
        if (!response.failure.empty() || !is_redirect(response.status)) return response;
        const auto next = registry::resolve_url(request.url, response.location);
        if (!next) throw Error("the registry redirects to '{}', which is no address", printable(response.location));
        if (next->scheme == "http" && request.url.scheme == "https")
            throw Error("the registry redirects from https to '{}': refused", printable(next->origin()));
        request.url = *next;
    }
    throw Error("the registry redirects more than {} times", most_redirects);
}

void Session::fetch_token(const registry::Challenge& challenge) {
    const auto find = [&](const char* name) {
        const auto found = challenge.parameters.find(name);
        return found == challenge.parameters.end() ? std::string() : found->second;
    };
    const auto realm = registry::parse_url(find("realm"));
    if (!realm) throw Error("the registry names '{}' as its token service, which is no address", printable(find("realm")));
    const bool trusted = registry::may_get_credential(base_, *realm);
    if (realm->scheme != "https" && !trusted)
        throw Error("the registry's token service '{}' is neither https nor the registry itself", printable(realm->origin()));
    std::vector<std::string> headers;
    if (!setup_.user.empty()) {
        if (!trusted) throw Error("the registry wants the password sent to '{}', another host: refused", printable(realm->origin()));
        headers.push_back("Authorization: Basic " + base64(setup_.user + ":" + setup_.password));
    }
    Url url = *realm;
    url.path += (url.path.find('?') == std::string::npos ? "?" : "&") + std::string("service=") + url_encoded(find("service")) +
                "&scope=" + url_encoded("repository:" + setup_.repository + ":pull");
    std::string body;
    const Response response = http_.get({url, headers, [&](std::string_view bytes) {
                                             body.append(bytes);
                                             return body.size() <= static_cast<std::size_t>(registry::token_limit);
                                         }});
    if (body.size() > static_cast<std::size_t>(registry::token_limit)) throw Error("the token is larger than 1 MiB");
    if (!response.failure.empty()) throw Error("asking '{}' for a token: {}", realm->origin(), response.failure);
    if (response.status != 200) refuse(response, "token");
    const Value document = json::parse(body, "token", document_limits);
    std::string token = string_member(document, "token");
    if (token.empty()) token = string_member(document, "access_token");
    if (token.empty() || !is_header_text(token)) throw Error("'{}' answers without a valid token", realm->origin());
    authorization_ = "Bearer " + token;
}

bool Session::answer_challenge(const std::string& header) {
    const auto challenge = registry::parse_challenge(header);
    if (!challenge) throw Error("the registry asks for authentication in a way that is no valid header");
    if (challenge->scheme == "bearer") {
        fetch_token(*challenge);
        return true;
    }
    if (challenge->scheme != "basic" || setup_.user.empty()) return false;
    authorization_ = "Basic " + base64(setup_.user + ":" + setup_.password);
    return true;
}

Response Session::request(const std::string& path, std::vector<std::string> headers, const Sink& sink) {
    Request what{base_, std::move(headers), sink};
    what.url.path = "/v2/" + setup_.repository + "/" + path;
    Response response = follow(what);
    if (response.failure.empty() && response.status == 401 && answer_challenge(response.challenge)) response = follow(what);
    return response;
}

void Session::refuse(const Response& response, const std::string& path) const {
    const std::string said = reason_in(response);
    const std::string tail = said.empty() ? "" : ": " + said;
    if (!response.failure.empty()) throw Error("{}", response.failure);
    if (response.status == 401 || response.status == 403)
        throw Error("the registry denies access{}", tail).with_hint("the repository may not exist or may need --creds USER:PASSWORD");
    if (response.status == 404) throw Error("'{}' is not there{}", printable(path), tail);
    if (response.status == 429) throw Error("the registry's rate limit is reached{}", tail).with_hint("try again later");
    throw Error("the registry answers with status {}{}", response.status, tail);
}

bool Session::wait_for_retry(const Response& response, int attempt) const {
    const bool passing = !response.failure.empty() ? response.can_retry : response.status == 429 || response.status >= 500;
    if (!passing || attempt >= setup_.retries) return false;
    const auto asked = parse_unsigned(response.retry_after).value_or(1ull << std::min(attempt, 5));
    std::this_thread::sleep_for(std::chrono::seconds(std::min<std::uint64_t>(asked, longest_pause)));
    return true;
}

Session::Text Session::text(const std::string& path, const std::vector<std::string>& accept, std::int64_t limit) {
    std::vector<std::string> headers;
    for (const std::string& type : accept) headers.push_back("Accept: " + type);
    for (int attempt = 0;; ++attempt) {
        std::string bytes;
        const Response response = request(path, headers, [&](std::string_view piece) {
            bytes.append(piece);
            return bytes.size() <= static_cast<std::size_t>(limit);
        });
        if (bytes.size() > static_cast<std::size_t>(limit)) throw Error("'{}' is larger than {} bytes", printable(path), limit);
        if (response.failure.empty() && response.status == 200) return {std::move(bytes), response.content_type};
        if (!wait_for_retry(response, attempt)) refuse(response, path);
    }
}

void Session::blob(const std::string& digest, std::int64_t size, int out) {
    const Fd pipe = Fd{out};
    std::int64_t written = 0;
    for (int attempt = 0;; ++attempt) {
        std::vector<std::string> headers;
        if (written > 0) headers.push_back(fmt::format("Range: bytes={}-{}", written, size - 1));
        const std::int64_t start = written;
        std::int64_t at = 0; // bytes of an answer that begins again although a range was asked for
        std::int64_t skip = -1;
        Response response = request("blobs/" + digest, headers, [&](std::string_view piece) {
            if (skip < 0) skip = http_.status() == 206 ? 0 : start;
            const auto drop = std::clamp<std::int64_t>(skip - at, 0, static_cast<std::int64_t>(piece.size()));
            at += static_cast<std::int64_t>(piece.size());
            piece.remove_prefix(static_cast<std::size_t>(drop));
            if (written + static_cast<std::int64_t>(piece.size()) > size) throw Error("blob {} is larger than its {} bytes", digest, size);
            write_full(pipe, piece, "blob");
            written += static_cast<std::int64_t>(piece.size());
            return true;
        });
        if (written == size && (response.failure.empty() || size > 0)) return;
        if (response.failure.empty() && response.status / 100 == 2) {
            response.failure = fmt::format("blob {} ends after {} of {} bytes", digest, written, size);
            response.can_retry = true;
        }
        if (written > start) attempt = 0; // it gets on
        if (!wait_for_retry(response, attempt)) refuse(response, "blobs/" + digest);
    }
}

} // namespace kist::fetch
