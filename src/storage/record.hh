// SPDX-License-Identifier: Apache-2.0
// Records on disk: one JSON object of a known schema whose last member is a checksum of the rest, so that a torn sector
// or a stray editor is noticed and named instead of half believed (DESIGN section 4). For .cc files only: brings in JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/fields.hh"
#include "base/file.hh"
#include "base/value.hh"

namespace kist::storage {

/// The text with "checksum" added. `record` must be an object with members.
std::string seal_record(const Value& record);
/// Parses and verifies; throws Error "… 'images/ab.json': …" for damage and for a schema newer than `newest_schema`.
Value open_record(std::string_view text, std::string_view where, int newest_schema = 1);

/// A record larger than this is damage, not data.
inline constexpr std::size_t record_limit = 16u << 20;

template <Record T>
void write_record(const Dir& dir, const std::string& name, const T& record, Durability durability) {
    write_atomically(dir, name, seal_record(to_value(record)), durability);
}

/// Nothing when the file does not exist.
template <Record T>
std::optional<T> read_record(const Dir& dir, const std::string& name) {
    const auto text = read_file_if_exists(dir, name, record_limit);
    if (!text) return std::nullopt;
    const std::string where = dir.path_of(name);
    return from_value<T>(open_record(*text, where), where);
}

} // namespace kist::storage
