// SPDX-License-Identifier: Apache-2.0
// The checksum is FNV-1a of the text before it: it guards against damage, not against root.
#include "storage/sealed.hh"

#include <cstdint>

#include <fmt/format.h>

#include "base/error.hh"
#include "base/json.hh"

namespace kist::storage {

namespace {

constexpr std::string_view tail_start = ",\"checksum\":\"";
constexpr std::string_view tail_end = "\"}\n";
constexpr std::size_t tail_size = tail_start.size() + 16 + tail_end.size();

std::string checksum(std::string_view text) {
    std::uint64_t hash = 14695981039346656037u;
    for (unsigned char c : text) hash = (hash ^ c) * 1099511628211u;
    return fmt::format("{:016x}", hash);
}

} // namespace

std::string seal(const Value& object) {
    std::string text = json::dump(object);
    while (!text.empty() && text.back() != '}') text.pop_back();
    text.pop_back();
    std::string sum = checksum(text);
    text.append(tail_start).append(sum).append(tail_end);
    return text;
}

Value unseal(std::string_view text, std::string_view where, int newest_schema) {
    if (text.empty()) throw Error("{} is damaged: it is empty", where);
    if (text.size() <= tail_size || text.substr(text.size() - tail_size, tail_start.size()) != tail_start ||
        !text.ends_with(tail_end))
        throw Error("{} is damaged: its end with the checksum is missing", where);
    std::string_view body = text.substr(0, text.size() - tail_size);
    if (text.substr(text.size() - tail_size + tail_start.size(), 16) != checksum(body))
        throw Error("{} is damaged: its checksum does not match", where);
    Value value = json::parse(text, where);
    const Value* schema = value.find("schema");
    if (schema != nullptr && schema->is_signed() && schema->as_signed() > newest_schema)
        throw Error("{} was written by a newer kist (schema {}): use that version", where, schema->as_signed());
    return value;
}

} // namespace kist::storage
