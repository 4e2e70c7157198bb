// SPDX-License-Identifier: Apache-2.0
// Small, strict parsers for what a registry says about authentication and addresses.
#include "registry/challenge.hh"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hh"

namespace kist::registry {
namespace {

constexpr std::size_t header_limit = 8192;
constexpr std::string_view token_marks = "!#$%&'*+-.^_`|~";

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_token(char c) { return is_alnum(c) || token_marks.find(c) != std::string_view::npos; }
bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '\\' && c != '"'; });
}

class Scanner {
public:
    explicit Scanner(std::string_view text) : rest_(text) {}
    bool done() const { return rest_.empty(); }
    void skip(std::string_view marks) {
        while (!rest_.empty() && marks.find(rest_.front()) != std::string_view::npos) rest_.remove_prefix(1);
    }
    bool take(char c) {
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    std::string token() {
        const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_token);
        std::string text(rest_.begin(), end);
        rest_.remove_prefix(text.size());
        return text;
    }
    /// Behind the opening quote.
    std::optional<std::string> quoted() {
        std::string text;
        while (!rest_.empty()) {
            char c = rest_.front();
            rest_.remove_prefix(1);
            if (c == '"') return text;
            if (c == '\\') {
                if (rest_.empty()) return std::nullopt;
                c = rest_.front();
                rest_.remove_prefix(1);
            }
            text += c;
        }
        return std::nullopt;
    }

private:
    std::string_view rest_;
};

/// Whoever owns a domain gives out the names below it; a name of two labels is nobody's parent but its owner's own.
bool is_parent(std::string_view parent, std::string_view host) {
    const bool is_name =
        std::any_of(host.begin(), host.end(), [](char c) { return c >= 'a' && c <= 'z'; }) && !host.starts_with('[');
    return is_name && parent.find('.') != std::string_view::npos && host.ends_with("." + std::string(parent)) &&
           host.substr(0, host.size() - parent.size() - 1).find('.') == std::string_view::npos;
}

} // namespace

std::optional<Challenge> parse_challenge(std::string_view header) {
    if (header.size() > header_limit) return std::nullopt;
    for (const char c : header)
        if ((c >= 0 && c < ' ' && c != '\t') || c == 0x7f) return std::nullopt;
    Scanner scanner(header);
    scanner.skip(" \t");
    Challenge challenge;
    challenge.scheme = to_lower(scanner.token());
    if (challenge.scheme.empty()) return std::nullopt;
    for (scanner.skip(" \t,"); !scanner.done(); scanner.skip(" \t,")) {
        const std::string name = to_lower(scanner.token());
        if (name.empty() || !scanner.take('=')) return std::nullopt;
        std::optional<std::string> value = scanner.take('"') ? scanner.quoted() : scanner.token();
        if (!value || !challenge.parameters.emplace(name, std::move(*value)).second) return std::nullopt;
    }
    return challenge;
}

std::optional<Url> parse_url(std::string_view text) {
    if (text.size() > header_limit || !is_plain(text)) return std::nullopt;
    Url url;
    const std::size_t colon = text.find("://");
    if (colon == std::string_view::npos) return std::nullopt;
    url.scheme = to_lower(text.substr(0, colon));
    if (url.scheme != "http" && url.scheme != "https") return std::nullopt;
    std::string_view rest = text.substr(colon + 3);
    const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
    std::string_view authority = rest.substr(0, end);
    rest.remove_prefix(end);
    rest = rest.substr(0, rest.find('#'));
    url.path = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
    const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
    if (bracket == std::string_view::npos) return std::nullopt;
    const std::size_t port = authority.find(':', bracket);
    url.host = to_lower(authority.substr(0, port));
    url.port = url.scheme == "https" ? "443" : "80";
    if (port != std::string_view::npos) {
        const auto number = parse_unsigned(authority.substr(port + 1), 65535);
        if (!number || *number == 0) return std::nullopt;
        url.port = std::to_string(*number);
    }
    const std::string_view marks = bracket != 0 ? "-._[]:" : "-._";
    for (const char c : url.host)
        if (!is_alnum(c) && marks.find(c) == std::string_view::npos) return std::nullopt;
    if (url.host.empty()) return std::nullopt;
    return url;
}

std::optional<Url> resolve_url(const Url& base, std::string_view location) {
    if (location.find("://") != std::string_view::npos && location.find("://") < location.find_first_of("/?"))
        return parse_url(location);
    if (location.starts_with("//")) return parse_url(base.scheme + ":" + std::string(location));
    if (location.starts_with('/')) return parse_url(base.origin() + std::string(location));
    return std::nullopt; // a relative path: no registry sends one
}

bool may_get_credential(const Url& registry, const Url& realm, const std::vector<std::string>& token_hosts) {
    if (registry.origin() == realm.origin()) return true;
    if (registry.scheme == "http" && registry.host == realm.host) return true;
    if (realm.scheme != "https") return false;
    if (registry.host == realm.host || is_parent(realm.host, registry.host)) return true;
    if (registry.host == "registry-1.docker.io" && realm.host == "auth.docker.io" && realm.port == "443") return true;
    return std::any_of(token_hosts.begin(), token_hosts.end(), [&](const std::string& host) {
        return to_lower(host) == (realm.port == "443" ? realm.host : realm.host + ":" + realm.port);
    });
}

std::string url_encode(std::string_view text) {
    std::string encoded;
    for (const char c : text) {
        if (is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~') encoded += c;
        else encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return encoded;
}

} // namespace kist::registry
