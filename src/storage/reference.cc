// SPDX-License-Identifier: Apache-2.0
// Image names in the grammar and with the defaults that Docker's users rely on:
//   reference := name [":" tag] ["@" digest]     name := [domain "/"] component ["/" component]*
// The first component is a domain when it has a dot, a colon or an upper-case letter, or is "localhost".
// https://pkg.go.dev/github.com/distribution/reference
#include <algorithm>

#include "base/error.hh"
#include "base/text.hh"
#include "storage/image_store.hh"

namespace kist::storage {
namespace {

constexpr std::string_view default_domain = "docker.io";
constexpr std::string_view old_default_domain = "index.docker.io";
constexpr std::string_view official_path = "library/";
constexpr std::string_view default_tag = "latest";
constexpr std::size_t longest_name = 255;
constexpr std::size_t longest_tag = 128;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_lower(c) || is_upper(c) || is_digit(c) || c == '_'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// Length of the separator at `at`: one dot, one or two underscores, any number of dashes; 0 when there is none.
std::size_t separator_length(std::string_view text, std::size_t at) {
    if (text[at] == '.') return 1;
    if (text[at] == '_') return at + 1 < text.size() && text[at + 1] == '_' ? 2 : 1;
    std::size_t end = at;
    while (end < text.size() && text[end] == '-') ++end;
    return end - at;
}

bool is_path_component(std::string_view text) {
    std::size_t at = 0;
    while (true) {
        const std::size_t start = at;
        while (at < text.size() && (is_lower(text[at]) || is_digit(text[at]))) ++at;
        if (at == start) return false;
        if (at == text.size()) return true;
        const std::size_t separator = separator_length(text, at);
        if (separator == 0) return false;
        at += separator;
    }
}

bool is_path(std::string_view text) {
    const auto components = split(text, '/');
    return !components.empty() && std::all_of(components.begin(), components.end(), is_path_component);
}

bool is_domain_component(std::string_view text) {
    if (text.empty() || text.front() == '-' || text.back() == '-') return false;
    return std::all_of(text.begin(), text.end(), [](char c) { return (is_word(c) && c != '_') || c == '-'; });
}

bool is_domain(std::string_view text) {
    std::string_view host = text;
    const auto colon = text.rfind(':');
    const auto bracket = text.rfind(']');
    if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
        const std::string_view port = text.substr(colon + 1);
        if (port.empty() || !std::all_of(port.begin(), port.end(), is_digit)) return false;
        host = text.substr(0, colon);
    }
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        return std::all_of(host.begin(), host.end(), [](char c) { return is_hex(c) || c == ':'; });
    }
    const auto components = split(host, '.');
    return !components.empty() && std::all_of(components.begin(), components.end(), is_domain_component);
}

bool is_tag(std::string_view text) {
    if (text.empty() || text.size() > longest_tag || !is_word(text.front())) return false;
    return std::all_of(text.begin(), text.end(), [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

bool looks_like_domain(std::string_view first) {
    return first == "localhost" || first.find_first_of(".:") != std::string_view::npos ||
           std::any_of(first.begin(), first.end(), is_upper);
}

[[noreturn]] void refuse(std::string_view text, std::string_view reason) {
    throw UsageError("invalid reference format: '{}': {}", printable(text), reason);
}

void split_name(std::string_view name, Reference& to) {
    const auto slash = name.find('/');
    if (slash == std::string_view::npos || !looks_like_domain(name.substr(0, slash))) {
        to.domain = default_domain;
        to.path = name;
    } else {
        to.domain = name.substr(0, slash);
        to.path = name.substr(slash + 1);
    }
    if (to.domain == old_default_domain) to.domain = default_domain;
    if (to.domain == default_domain && to.path.find('/') == std::string::npos) to.path.insert(0, official_path);
}

} // namespace

Reference Reference::parse(std::string_view text) {
    Reference reference;
    std::string_view rest = text;
    if (rest.empty()) refuse(text, "it is empty");
    if (const auto at = rest.find('@'); at != std::string_view::npos) {
        const auto digest = Digest::parse(rest.substr(at + 1));
        if (!digest) refuse(text, "a digest is 'sha256:' and 64 lower-case hex digits");
        reference.digest = *digest;
        rest = rest.substr(0, at);
    }
    const auto colon = rest.rfind(':');
    const auto slash = rest.rfind('/');
    if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
        reference.tag = rest.substr(colon + 1);
        if (!is_tag(reference.tag))
            refuse(text, "a tag is 1 to 128 letters, digits, '_', '.' and '-', not starting with '.' or '-'");
        rest = rest.substr(0, colon);
    }
    if (Digest::from_hex(rest)) refuse(text, "64 hex digits are an image id, not a name");
    split_name(rest, reference);
    if (std::any_of(reference.path.begin(), reference.path.end(), is_upper))
        refuse(text, "repository name must be lowercase");
    if (!is_domain(reference.domain)) refuse(text, "the registry's address is malformed");
    if (!is_path(reference.path))
        refuse(text, "a name is lower-case letters and digits, separated by '/', '.', '_', '__' or dashes");
    if (reference.domain.size() + 1 + reference.path.size() > longest_name)
        refuse(text, "the name is longer than 255 characters");
    if (reference.tag.empty() && reference.digest.empty()) reference.tag = default_tag;
    return reference;
}

std::optional<Reference> Reference::try_parse(std::string_view text) {
    try {
        return parse(text);
    } catch (const UsageError&) {
        return std::nullopt;
    }
}

namespace {

std::string with_tag_and_digest(std::string name, const Reference& reference) {
    if (!reference.tag.empty()) name += ":" + reference.tag;
    if (!reference.digest.empty()) name += "@" + reference.digest.str();
    return name;
}

} // namespace

std::string Reference::str() const { return with_tag_and_digest(domain + "/" + path, *this); }

std::string Reference::familiar_name() const {
    if (domain != default_domain) return domain + "/" + path;
    if (path.starts_with(official_path) && path.find('/', official_path.size()) == std::string::npos)
        return path.substr(official_path.size());
    return path;
}

std::string Reference::familiar() const { return with_tag_and_digest(familiar_name(), *this); }

} // namespace kist::storage
