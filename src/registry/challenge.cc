// SPDX-License-Identifier: Apache-2.0
// Small, strict parsers for what a registry says about authentication and addresses.
#include "registry/challenge.hh"

#include <algorithm>

#include "base/text.hh"

namespace kist::registry {
namespace {

constexpr std::size_t header_limit = 8192;
constexpr std::string_view token_marks = "!#$%&'*+-.^_`|~";

bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_token(char c) {
    return is_alnum(c) || token_marks.find(c) != std::string_view::npos;
}
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

/// The part of a host name that one owner has: two labels, three below the likes of co.uk.
std::string registrable(const std::string& host) {
    const std::vector<std::string> labels = split(host, '.');
    const bool address = host.starts_with('[') || parse_unsigned(labels.back()).has_value();
    if (address || labels.size() < 3) return host;
    const std::size_t n = labels.size();
    const std::size_t take = labels[n - 1].size() == 2 && labels[n - 2].size() <= 3 ? 3 : 2;
    return join({labels.end() - static_cast<std::ptrdiff_t>(std::min(take, n)), labels.end()}, ".");
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

bool may_get_credential(const Url& registry, const Url& realm) {
    if (registry.origin() == realm.origin()) return true;
    if (registry.scheme == "http") return registry.host == realm.host;
    return realm.scheme == "https" && registrable(registry.host) == registrable(realm.host);
}

} // namespace kist::registry
