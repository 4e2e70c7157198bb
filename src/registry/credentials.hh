// SPDX-License-Identifier: Apache-2.0
// Where the credential for a registry is looked for, and where login puts it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "registry/credential.hh"

namespace kist::registry {

using Warn = std::function<void(const std::string&)>;

struct CredentialQuery {
    std::string host;       ///< "docker.io", "127.0.0.1:5000"
    std::string repository; ///< a file may have entries for a part of a registry
    /// --authfile; empty: REGISTRY_AUTH_FILE, then kist's own file, then Podman's and Docker's
    std::string authfile;
};
struct FoundCredential {
    Credential credential;
    std::string place; ///< file or helper, for people
};
/// Looks in each place, first found wins. What is there but cannot be used (an entry whose key is gone, a helper that fails) is
/// told to `warn`, and then nothing is found: no other credential is sent in its place.
std::optional<FoundCredential> find_credential(const CredentialQuery&, const Warn& warn);

/// Into kist's own file, sealed; into `authfile` (or REGISTRY_AUTH_FILE) as Podman and Docker write it. Returns the place.
std::string store_credential(const std::string& host, const std::string& authfile, const Credential&);
/// Does store_credential() put it into a file unencrypted?
bool is_plain_place(const std::string& authfile);
/// False when there was none. Only of what login writes.
bool erase_credential(const std::string& host, const std::string& authfile);
/// The registries that login has stored something for.
std::vector<std::string> stored_registries(const std::string& authfile);
void rotate_key();

/// From now on this process leaves no core and no other user's process may look into it. To be called before a secret is read.
void guard_secrets();

} // namespace kist::registry
