// SPDX-License-Identifier: Apache-2.0
// The parts of reading fields that need no template: scalars, ranges, and the text that says where a mistake is.
#include "base/fields.hh"

namespace kist {

std::string Place::inner_text() const {
    if (outer_ == nullptr) return "";
    const std::string before = outer_->inner_text();
    if (index_ >= 0) return fmt::format("{}[{}]", before, index_);
    return before.empty() ? std::string(member_) : fmt::format("{}.{}", before, member_);
}

std::string Place::text() const {
    const Place* root = this;
    while (root->outer_ != nullptr) root = root->outer_;
    const std::string inner = inner_text();
    return inner.empty() ? std::string(root->document_) : fmt::format("{}: {}", root->document_, inner);
}

void Place::expected(std::string_view what) const { throw Error("{}: expected {}", text(), what); }

void read_value(const Value& value, bool& to, const Place& place) {
    if (!value.is_bool()) place.expected("true or false");
    to = value.as_bool();
}

void read_value(const Value& value, double& to, const Place& place) {
    if (value.is_double()) to = value.as_double();
    else if (value.is_signed()) to = static_cast<double>(value.as_signed());
    else if (value.is_unsigned()) to = static_cast<double>(value.as_unsigned());
    else place.expected("a number");
}

void read_value(const Value& value, std::string& to, const Place& place) {
    if (!value.is_string()) place.expected("a string");
    to = value.as_string();
}

void read_value(const Value& value, Value& to, const Place&) { to = value; }

std::int64_t read_signed(const Value& value, std::int64_t low, std::int64_t high, const Place& place) {
    if (!value.is_integer()) place.expected("an integer");
    if (value.is_unsigned() || value.as_signed() < low || value.as_signed() > high)
        place.expected(fmt::format("an integer from {} to {}", low, high));
    return value.as_signed();
}

std::uint64_t read_unsigned(const Value& value, std::uint64_t high, const Place& place) {
    if (!value.is_integer()) place.expected("an integer");
    const bool negative = value.is_signed() && value.as_signed() < 0;
    const std::uint64_t n = value.is_signed() ? static_cast<std::uint64_t>(value.as_signed()) : value.as_unsigned();
    if (negative || n > high) place.expected(fmt::format("an integer from 0 to {}", high));
    return n;
}

} // namespace kist
