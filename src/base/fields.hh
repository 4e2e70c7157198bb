// SPDX-License-Identifier: Apache-2.0
// A struct lists its JSON members once; reading, writing and the names of --format come from that list.
//
//     struct Mount {
//         std::string destination;
//         std::vector<std::string> options;
//         static constexpr void fields(auto&& field) {
//             field("destination", &Mount::destination, required);
//             field("options", &Mount::options);
//         }
//     };
//     Mount m = from_value<Mount>(json::parse(text, "config.json"), "config.json");
//     std::string text = json::dump(to_value(m));
//
// Unknown members are ignored; a member equal to its default is left out (unless Write::everything). A wrong type names
// the place: "config.json: mounts[1].destination: expected a string". Integers are range-checked. Enums have
// `constexpr auto names_of(E) -> std::array<std::pair<E, std::string_view>, N>` found by argument-dependent look-up.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.hh"
#include "base/value.hh"

namespace kist {

struct Required {};
inline constexpr Required required{};

enum class Write { changed, everything };

/// Where we are in a document, as a chain on the stack: the text is only built when something is wrong.
class Place {
public:
    explicit Place(std::string_view document) : document_(document) {}
    Place(const Place& outer, std::string_view member) : outer_(&outer), member_(member) {}
    Place(const Place& outer, std::size_t index) : outer_(&outer), index_(static_cast<std::int64_t>(index)) {}
    std::string text() const;
    [[noreturn]] void expected(std::string_view what) const;

private:
    std::string inner_text() const;
    const Place* outer_ = nullptr;
    std::string_view document_;
    std::string_view member_;
    std::int64_t index_ = -1;
};

struct AnyField {
    void operator()(std::string_view, auto) const {}
    void operator()(std::string_view, auto, Required) const {}
};
// clang-format off: version 14 does not know requires clauses
template <typename T>
concept Record = requires {
    T::fields(AnyField{});
};
template <typename T>
concept NamedEnum = std::is_enum_v<T> && requires(T e) {
    names_of(e);
};
// clang-format on

void read_value(const Value&, bool&, const Place&);
void read_value(const Value&, double&, const Place&);
void read_value(const Value&, std::string&, const Place&);
void read_value(const Value&, Value&, const Place&);
std::int64_t read_signed(const Value&, std::int64_t low, std::int64_t high, const Place&);
std::uint64_t read_unsigned(const Value&, std::uint64_t high, const Place&);

template <WholeNumber T>
void read_value(const Value& value, T& to, const Place& place) {
    if constexpr (std::is_signed_v<T>)
        to = static_cast<T>(read_signed(value, std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), place));
    else to = static_cast<T>(read_unsigned(value, std::numeric_limits<T>::max(), place));
}
template <NamedEnum T>
void read_value(const Value& value, T& to, const Place& place);
template <Record T>
void read_value(const Value& value, T& to, const Place& place);
template <typename T>
void read_value(const Value& value, std::optional<T>& to, const Place& place);
template <typename T>
void read_value(const Value& value, std::vector<T>& to, const Place& place);
template <typename T>
void read_value(const Value& value, std::map<std::string, T>& to, const Place& place);

template <NamedEnum T>
void read_value(const Value& value, T& to, const Place& place) {
    for (const auto& [member, name] : names_of(T{})) {
        if (value.is_string() && value.as_string() == name) {
            to = member;
            return;
        }
    }
    std::string choices;
    for (const auto& [member, name] : names_of(T{}))
        choices += (choices.empty() ? "'" : ", '") + std::string(name) + "'";
    place.expected("one of " + choices);
}
template <typename T>
struct RecordReader {
    const Value& value;
    T& to;
    const Place& place;
    void operator()(std::string_view name, auto member) const {
        const Value* found = value.find(name);
        if (found != nullptr && !found->is_null()) read_value(*found, to.*member, Place(place, name));
    }
    void operator()(std::string_view name, auto member, Required) const {
        const Value* found = value.find(name);
        if (found == nullptr || found->is_null()) Place(place, name).expected("a value, it is missing");
        read_value(*found, to.*member, Place(place, name));
    }
};
template <Record T>
void read_value(const Value& value, T& to, const Place& place) {
    if (!value.is_object()) place.expected("an object");
    T::fields(RecordReader<T>{value, to, place});
}
template <typename T>
void read_value(const Value& value, std::optional<T>& to, const Place& place) {
    if (value.is_null()) to.reset();
    else read_value(value, to.emplace(), place);
}
template <typename T>
void read_value(const Value& value, std::vector<T>& to, const Place& place) {
    if (!value.is_list()) place.expected("a list");
    to.clear();
    for (const Value& item : value.as_list()) {
        T element{};
        read_value(item, element, Place(place, to.size()));
        to.push_back(std::move(element));
    }
}
template <typename T>
void read_value(const Value& value, std::map<std::string, T>& to, const Place& place) {
    if (!value.is_object()) place.expected("an object");
    to.clear();
    for (const auto& [name, item] : value.as_object()) read_value(item, to[name], Place(place, name));
}

// All declared before any is defined, so that containers of containers and records work in any order.
template <std::same_as<bool> T>
Value to_value(T b, Write = Write::changed) { // a template: a pointer must not become a bool
    return b;
}
inline Value to_value(double d, Write = Write::changed) { return d; }
inline Value to_value(const std::string& s, Write = Write::changed) { return s; }
inline Value to_value(const Value& v, Write = Write::changed) { return v; }
template <WholeNumber T>
Value to_value(T n, Write = Write::changed) {
    return n;
}
template <NamedEnum T>
Value to_value(T e, Write = Write::changed);
template <Record T>
Value to_value(const T& record, Write write = Write::changed);
template <typename T>
Value to_value(const std::optional<T>& o, Write write = Write::changed);
template <typename T>
Value to_value(const std::vector<T>& items, Write write = Write::changed);
template <typename T>
Value to_value(const std::map<std::string, T>& items, Write write = Write::changed);

template <NamedEnum T>
Value to_value(T e, Write) {
    for (const auto& [member, name] : names_of(e))
        if (member == e) return name;
    return nullptr;
}
template <typename T>
Value to_value(const std::optional<T>& o, Write write) {
    return o ? to_value(*o, write) : Value();
}
template <typename T>
Value to_value(const std::vector<T>& items, Write write) {
    Value list = Value::list();
    for (const auto& item : items) list.push(to_value(static_cast<const T&>(item), write));
    return list;
}
template <typename T>
Value to_value(const std::map<std::string, T>& items, Write write) {
    Value object = Value::object();
    for (const auto& [name, item] : items) object.as_object().emplace_back(name, to_value(item, write));
    return object;
}
template <typename T>
struct RecordWriter {
    const T& record;
    const T& fresh;
    Write write;
    Value& object;
    void operator()(std::string_view name, auto member) const {
        if (write == Write::changed && record.*member == fresh.*member) return;
        (*this)(name, member, required);
    }
    void operator()(std::string_view name, auto member, Required) const {
        object.as_object().emplace_back(std::string(name), to_value(record.*member, write));
    }
};
template <Record T>
Value to_value(const T& record, Write write) {
    static const T fresh{};
    Value object = Value::object();
    T::fields(RecordWriter<T>{record, fresh, write, object});
    return object;
}

/// Reads a whole document. `where` names it in errors.
template <typename T>
T from_value(const Value& value, std::string_view where) {
    T to{};
    read_value(value, to, Place(where));
    return to;
}

/// The name of an enum member in JSON, options and help.
template <NamedEnum T>
std::string_view name_of(T e) {
    for (const auto& [member, name] : names_of(e))
        if (member == e) return name;
    return "";
}
/// Nothing when no member has that name.
template <NamedEnum T>
std::optional<T> named(std::string_view name) {
    for (const auto& [member, own] : names_of(T{}))
        if (own == name) return member;
    return std::nullopt;
}

} // namespace kist
