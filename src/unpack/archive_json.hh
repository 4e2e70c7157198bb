// SPDX-License-Identifier: Apache-2.0
// The JSON files of an archive, read within their limits.
#pragma once

#include <string>

#include "base/fields.hh"
#include "base/json.hh"
#include "unpack/limits.hh"

namespace kist::unpack {

inline constexpr json::Limits json_limits{.bytes = limits::manifest_bytes, .depth = 64, .values = 500'000};

/// `where` names the file in errors.
template <typename T>
T parse_json(const std::string& text, const std::string& where) {
    return from_value<T>(json::parse(text, where, json_limits), where);
}

} // namespace kist::unpack
