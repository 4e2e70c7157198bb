// SPDX-License-Identifier: Apache-2.0
// The WWW-Authenticate header of a registry (RFC 9110 section 11, in the form registries use), and whom a credential may reach.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kist::registry {

struct Challenge {
    std::string scheme; ///< lower case: "bearer", "basic"
    std::map<std::string, std::string> parameters;
    bool operator==(const Challenge&) const = default;
};
/// Nothing for what is malformed, longer than 8 KiB, or has control characters.
std::optional<Challenge> parse_challenge(std::string_view header);

struct Url {
    std::string scheme, host, port, path; ///< host without brackets' meaning lost: "[::1]"; path with the query
    std::string origin() const { return scheme + "://" + host + ":" + port; }
    std::string str() const { return origin() + path; }
    bool operator==(const Url&) const = default;
};
/// Only http and https, no user information, no control characters or blanks.
std::optional<Url> parse_url(std::string_view text);
/// `location` as a server gave it in answer to `base`.
std::optional<Url> resolve_url(const Url& base, std::string_view location);

/// May the credential for `registry` be sent to the token service `realm`? SECURITY P10: over https (or the registry's own host
/// over http, where the user allowed that) to the registry's host, to the domain right above it (gitlab.example for
/// registry.gitlab.example), to Docker Hub's known service, or to one of `token_hosts` (HOST[:PORT]) that kist.json names.
bool may_get_credential(const Url& registry, const Url& realm, const std::vector<std::string>& token_hosts);

/// For the value of a query.
std::string url_encode(std::string_view text);

} // namespace kist::registry
