// SPDX-License-Identifier: Apache-2.0
// The checksum of records on disk. It is the last member and has a fixed form, so it is found and checked on the bytes
// as they are, without writing the document again.
#include "storage/record.hh"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/error.hh"
#include "base/json.hh"

namespace kist::storage {
namespace {

constexpr std::string_view before_sum = ",\"checksum\":\"";
constexpr std::string_view after_sum = "\"}\n";
constexpr std::size_t sum_length = 16;
constexpr std::size_t tail_length = before_sum.size() + sum_length + after_sum.size();

/// FNV-1a, 64 bits: plenty against accidents; against intent no checksum in the same file helps. SHA-256 of the record
/// was a tenth of the time of `ps`.
std::string checksum_of(std::string_view body) {
    std::uint64_t sum = 0xcbf29ce484222325;
    for (std::size_t at = 0; at < body.size(); at += sizeof sum) { // eight bytes a step
        std::uint64_t word = 0;
        std::memcpy(&word, body.data() + at, std::min(sizeof word, body.size() - at));
        sum = (sum ^ word) * 0x100000001b3;
        sum ^= sum >> 29; // or a high bit of the last word would not reach the low half
    }
    sum ^= body.size();
    return fmt::format("{:016x}", sum);
}

bool checksum_matches(std::string_view text) {
    if (text.size() <= tail_length) return false;
    const std::string_view tail = text.substr(text.size() - tail_length);
    const std::string_view body = text.substr(0, text.size() - tail_length);
    return tail.starts_with(before_sum) && tail.ends_with(after_sum) &&
           tail.substr(before_sum.size(), sum_length) == checksum_of(body);
}

} // namespace

std::string seal_record(const Value& record) {
    std::string text = json::dump(record);
    text.pop_back();
    const std::string sum = checksum_of(text);
    return text.append(before_sum).append(sum).append(after_sum);
}

Value open_record(std::string_view text, std::string_view where, int newest_schema) {
    Value record = json::parse(text, where);
    const Value* schema = record.find("schema");
    if (schema != nullptr && schema->is_signed() && schema->as_signed() > newest_schema)
        throw Error("reading '{}': it was written by a newer kist (schema {})", where, schema->as_signed());
    if (!checksum_matches(text)) throw Error("reading '{}': it is damaged: its checksum does not match", where);
    return record;
}

} // namespace kist::storage
