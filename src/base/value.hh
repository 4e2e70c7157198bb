// SPDX-License-Identifier: Apache-2.0
// A JSON document in memory: what state files are parsed into, and what templates of --format walk over.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace kist {

/// Any integer type but bool, which is a value of its own in JSON.
template <typename T>
concept WholeNumber = std::integral<T> && !std::same_as<T, bool>;

/// null, bool, integer, floating point, string, list or object. Objects keep the order in which members were added
/// (`inspect` prints fields in a stable, documented order); a look-up is linear, which is right for tens of members.
class Value {
public:
    using List = std::vector<Value>;
    using Member = std::pair<std::string, Value>;
    using Object = std::vector<Member>;

    Value() = default;
    Value(std::nullptr_t) {}
    /// A template, so that a pointer does not become a bool.
    template <std::same_as<bool> T>
    Value(T b) : data_(b) {}
    /// One form for each number, so that equal integers are equal values whatever type they came from: signed when it
    /// fits, unsigned only beyond INT64_MAX.
    template <WholeNumber T>
    Value(T n) {
        if (std::is_signed_v<T> || static_cast<std::uint64_t>(n) <= INT64_MAX) data_ = static_cast<std::int64_t>(n);
        else data_ = static_cast<std::uint64_t>(n);
    }
    Value(double d) : data_(d) {}
    Value(const char* s) : data_(std::string(s)) {}
    Value(std::string s) : data_(std::move(s)) {}
    Value(std::string_view s) : data_(std::string(s)) {}
    Value(List l) : data_(std::move(l)) {}
    Value(Object o) : data_(std::move(o)) {}

    static Value list() { return Value(List{}); }
    static Value object() { return Value(Object{}); }

    bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
    bool is_bool() const { return std::holds_alternative<bool>(data_); }
    bool is_signed() const { return std::holds_alternative<std::int64_t>(data_); }
    /// An integer beyond INT64_MAX; anything smaller is signed.
    bool is_unsigned() const { return std::holds_alternative<std::uint64_t>(data_); }
    bool is_integer() const { return is_signed() || is_unsigned(); }
    bool is_double() const { return std::holds_alternative<double>(data_); }
    bool is_string() const { return std::holds_alternative<std::string>(data_); }
    bool is_list() const { return std::holds_alternative<List>(data_); }
    bool is_object() const { return std::holds_alternative<Object>(data_); }

    // Precondition of each: the matching is_…() holds.
    bool as_bool() const { return std::get<bool>(data_); }
    std::int64_t as_signed() const { return std::get<std::int64_t>(data_); }
    std::uint64_t as_unsigned() const { return std::get<std::uint64_t>(data_); }
    double as_double() const { return std::get<double>(data_); }
    const std::string& as_string() const { return std::get<std::string>(data_); }
    const List& as_list() const { return std::get<List>(data_); }
    List& as_list() { return std::get<List>(data_); }
    const Object& as_object() const { return std::get<Object>(data_); }
    Object& as_object() { return std::get<Object>(data_); }

    /// The member of that name, or null when there is none or this is no object.
    const Value* find(std::string_view name) const;
    Value* find(std::string_view name);
    /// Adds or replaces. This must be an object.
    Value& set(std::string name, Value value);
    /// Appends. This must be a list.
    void push(Value value) { as_list().push_back(std::move(value)); }

    bool operator==(const Value&) const = default;

private:
    std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, List, Object> data_;
};

} // namespace kist
