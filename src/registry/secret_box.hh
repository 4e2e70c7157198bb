// SPDX-License-Identifier: Apache-2.0
// AES-256-GCM: how secrets lie in config.json. A text that was sealed for one purpose opens for no other, and a changed one
// for none.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kist::registry {

inline constexpr std::size_t secret_key_size = 32;

/// Bytes from the kernel's random source.
std::string random_bytes(std::size_t count);
/// nonce, ciphertext, tag. `key` has 32 bytes; `purpose` is authenticated but not part of the result.
std::string seal(std::string_view key, std::string_view purpose, std::string_view secret);
/// Nothing when the key is another one or a bit was changed.
std::optional<std::string> unseal(std::string_view key, std::string_view purpose, std::string_view sealed);

} // namespace kist::registry
