// SPDX-License-Identifier: Apache-2.0
// Reading and making entries of "auths".
#include "registry/auth_document.hh"

#include <algorithm>

#include "base/text.hh"
#include "registry/base64.hh"

namespace kist::registry {
namespace {

std::string text_member(const Value& value, std::string_view name) {
    const Value* member = value.find(name);
    return member != nullptr && member->is_string() ? member->as_string() : "";
}

/// Only what can be a part of a program's name: the file may be somebody else's.
std::string helper_name(const std::string& text) {
    const bool good = !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    });
    return good ? text : "";
}

} // namespace

std::string auth_key(const std::string& text) {
    std::string_view rest = text;
    const bool is_url = rest.starts_with("https://") || rest.starts_with("http://");
    if (is_url) rest.remove_prefix(rest.find("//") + 2);
    while (rest.ends_with('/')) rest.remove_suffix(1);
    if (rest.ends_with("/v1") || rest.ends_with("/v2")) rest.remove_suffix(3);
    if (is_url) rest = rest.substr(0, rest.find('/'));
    const std::string_view host = rest.substr(0, rest.find('/'));
    std::string key = to_lower(host);
    if (key == "index.docker.io" || key == "registry-1.docker.io") key = "docker.io";
    return key + std::string(rest.substr(host.size()));
}

std::vector<std::string> matching_keys(const Value& document, const std::string& host, const std::string& repository) {
    const Value* auths = document.find("auths");
    if (auths == nullptr || !auths->is_object()) return {};
    const std::string whole = auth_key(host) + "/" + repository + "/";
    std::vector<std::string> keys;
    for (const auto& [key, entry] : auths->as_object())
        if (whole.starts_with(auth_key(key) + "/")) keys.push_back(key);
    std::stable_sort(keys.begin(), keys.end(),
                     [](const auto& a, const auto& b) { return auth_key(a).size() > auth_key(b).size(); });
    return keys;
}

std::optional<Credential> read_entry(const Value& entry) {
    Credential credential;
    credential.user = text_member(entry, "username");
    credential.password = text_member(entry, "password");
    if (const std::string auth = text_member(entry, "auth"); !auth.empty()) {
        const auto text = base64_decode(auth);
        if (!text) return std::nullopt;
        const auto [user, password] = split_once(*text, ':');
        if (!password) return std::nullopt;
        credential.user = user;
        credential.password = password->substr(0, password->find('\0'));
    }
    credential.identity_token = text_member(entry, "identitytoken");
    if (credential.empty()) return std::nullopt;
    return credential;
}

Value plain_entry(const Credential& credential) {
    Value entry = Value::object();
    entry.set("auth", base64_encode(credential.user + ":" + credential.password));
    if (!credential.identity_token.empty()) entry.set("identitytoken", credential.identity_token);
    return entry;
}

std::string helper_for(const Value& document, const std::string& host) {
    const Value* helpers = document.find("credHelpers");
    if (helpers == nullptr || !helpers->is_object()) return "";
    for (const auto& [key, helper] : helpers->as_object())
        if (auth_key(key) == auth_key(host) && helper.is_string()) return helper_name(helper.as_string());
    return "";
}

std::string helper_for_all(const Value& document) { return helper_name(text_member(document, "credsStore")); }

} // namespace kist::registry
