// SPDX-License-Identifier: Apache-2.0
// A record's time in the log driver local: 11 characters where RFC 3339 takes 30.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hh"

namespace kist::monitor {

inline constexpr std::size_t stamp_size = 11;

/// Nanoseconds since 1970 to the base 64, the highest digit first; stamps sort as their moments do.
std::string pack_stamp(Moment);
/// Nothing for what pack_stamp() does not write.
std::optional<Moment> unpack_stamp(std::string_view);

} // namespace kist::monitor
