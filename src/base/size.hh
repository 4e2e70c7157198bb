// SPDX-License-Identifier: Apache-2.0
// Byte counts in the forms Docker's users write and read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kist {

/// "64m", "1.5g", "512", "1GiB", "10kb": binary units (1k = 1024) as docker's RAMInBytes; nothing when malformed,
/// negative or beyond int64.
std::optional<std::int64_t> parse_bytes(std::string_view text);
/// Decimal units, 4 significant digits, as units.HumanSize: "769MB", "4.4MB", "1.85kB", "0B". Docker lists images with 3.
std::string human_size(double bytes, int digits = 4);
/// Binary units as units.BytesSize: "64MiB", "1.5GiB".
std::string human_bytes_binary(double bytes);

} // namespace kist
