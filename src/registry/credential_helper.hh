// SPDX-License-Identifier: Apache-2.0
// docker-credential-… programs: they keep secrets in a keyring, and are asked over stdin and stdout.
// https://github.com/docker/docker-credential-helpers
#pragma once

#include <optional>
#include <string>

#include "registry/credential.hh"

namespace kist::registry {

/// Nothing when it knows none for the host. Throws Error when it is missing or fails: then no credential may be sent.
std::optional<Credential> ask_helper(const std::string& suffix, const std::string& host);
void tell_helper(const std::string& suffix, const std::string& host, const Credential&);
/// False when it had none.
bool erase_from_helper(const std::string& suffix, const std::string& host);

} // namespace kist::registry
