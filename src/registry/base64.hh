// SPDX-License-Identifier: Apache-2.0
// Base64 with padding (RFC 4648 section 4): Basic authentication and the credential files of Docker and Podman.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kist::registry {

std::string base64_encode(std::string_view bytes);
/// Nothing for anything that base64_encode would not write.
std::optional<std::string> base64_decode(std::string_view text);

} // namespace kist::registry
