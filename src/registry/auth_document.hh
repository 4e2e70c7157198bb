// SPDX-License-Identifier: Apache-2.0
// Docker's config.json and Podman's auth.json, as documents: what in them is meant for a repository. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/value.hh"
#include "registry/credential.hh"

namespace kist::registry {

/// How credentials of a registry are filed: "https://index.docker.io/v1/" and "registry-1.docker.io" are "docker.io",
/// "https://quay.io/v2/" is "quay.io"; a path below the host stays ("quay.io/team").
std::string auth_key(const std::string& text);

/// The keys of "auths" that count for this repository, the longest path first.
std::vector<std::string> matching_keys(const Value& document, const std::string& host, const std::string& repository);
/// {"auth": base64 of user:password, "identitytoken": …} or {"username", "password"}; nothing for an empty or damaged entry.
std::optional<Credential> read_entry(const Value& entry);
Value plain_entry(const Credential&);

/// The suffix of the docker-credential-… program for this host, by "credHelpers"; empty: none.
std::string helper_for(const Value& document, const std::string& host);
/// "credsStore": for all hosts; empty: none.
std::string helper_for_all(const Value& document);

} // namespace kist::registry
