// SPDX-License-Identifier: Apache-2.0
// login and logout: credentials are tried before they are kept.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/engine.hh"
#include "engine/registry_access.hh"

namespace kist::engine {

/// "docker.io" for "", "https://index.docker.io/v1/" …; HOST[:PORT][/PATH]. Throws UsageError.
std::string parse_registry(const std::string& text);

struct LoginResult {
    std::string place;     ///< where the credential lies
    bool is_plain = false; ///< unencrypted
};
/// Throws Error when the registry does not accept it; then nothing is stored.
LoginResult login(Engine&, const std::string& registry, const std::string& user, const std::string& password,
                  const RegistryOptions&);

struct KnownLogin {
    std::string user, place;
};
std::optional<KnownLogin> find_login(const std::string& registry, const RegistryOptions&);
/// False when the registry does not accept what is stored for it.
bool is_accepted(Engine&, const std::string& registry, const RegistryOptions&);

/// False when there was no login.
bool logout(const std::string& registry, const RegistryOptions&);
std::vector<std::string> logins(const RegistryOptions&);
void rotate_login_key();

} // namespace kist::engine
