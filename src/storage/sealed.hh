// SPDX-License-Identifier: Apache-2.0
// State files carry a checksum of their own text, so that damage is told from content: a flipped bit in a string would
// otherwise be read as what somebody asked for.
#pragma once

#include <string>
#include <string_view>

#include "base/value.hh"

namespace kist::storage {

/// The document (a non-empty object) as one line of JSON whose last member is "checksum".
std::string seal(const Value& object);
/// Checks and parses what seal() made. Throws Error "<where> is damaged: …"; a `schema` member above `newest_schema` is
/// refused with a message that says to use a newer kist.
Value unseal(std::string_view text, std::string_view where, int newest_schema = 1);

} // namespace kist::storage
