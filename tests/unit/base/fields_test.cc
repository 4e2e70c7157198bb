// SPDX-License-Identifier: Apache-2.0
// Structs from JSON values and back, and where a mistake is said to be.
#include "base/fields.hh"

#include <catch2/catch_test_macros.hpp>

#include "base/json.hh"

using namespace kist;

namespace {

enum class Colour { red, green };
constexpr auto names_of(Colour) {
    return std::to_array<std::pair<Colour, std::string_view>>({{Colour::red, "red"}, {Colour::green, "green"}});
}

struct Inner {
    std::string name;
    std::vector<std::string> options;
    bool operator==(const Inner&) const = default;
    static constexpr void fields(auto&& field) {
        field("name", &Inner::name, required);
        field("options", &Inner::options);
    }
};

struct Outer {
    std::int8_t small = 5;
    std::uint64_t big = 0;
    bool flag = false;
    double ratio = 1;
    Colour colour = Colour::red;
    std::vector<Inner> mounts;
    std::optional<Inner> maybe;
    std::map<std::string, std::vector<std::map<std::string, std::optional<int>>>> nested;
    Value any;
    bool operator==(const Outer&) const = default;
    static constexpr void fields(auto&& field) {
        field("small", &Outer::small);
        field("big", &Outer::big);
        field("flag", &Outer::flag);
        field("ratio", &Outer::ratio);
        field("colour", &Outer::colour);
        field("mounts", &Outer::mounts);
        field("maybe", &Outer::maybe);
        field("nested", &Outer::nested);
        field("any", &Outer::any);
    }
};

Outer outer(std::string_view text) { return from_value<Outer>(json::parse(text, "doc"), "config.json"); }

std::string mistake(std::string_view text) {
    try {
        outer(text);
        return "";
    } catch (const Error& error) {
        return error.message();
    }
}

} // namespace

TEST_CASE("a struct survives the way to JSON and back") {
    Outer o;
    o.small = -128;
    o.big = UINT64_MAX;
    o.flag = true;
    o.ratio = 0.1;
    o.colour = Colour::green;
    o.mounts = {{"a", {"x", "y"}}, {"b", {}}};
    o.maybe = Inner{"c", {}};
    o.nested["k"] = {{{"one", 1}, {"none", std::nullopt}}};
    o.any = json::parse(R"([1,{"deep":null}])", "t");
    CHECK(outer(json::dump(to_value(o))) == o);
    CHECK(outer(json::dump(to_value(o, Write::everything))) == o);
}

TEST_CASE("a member that has its default value is not written, a required one always is") {
    CHECK(json::dump(to_value(Outer{})) == "{}");
    CHECK(json::dump(to_value(Inner{})) == R"({"name":""})");
    CHECK(json::dump(to_value(Inner{}, Write::everything)) == R"({"name":"","options":[]})");
}

TEST_CASE("unknown members are ignored, null counts as missing") {
    CHECK(outer(R"({"new":1,"small":null,"maybe":null})") == Outer{});
}

TEST_CASE("a mistake names its place") {
    CHECK(mistake(R"({"mounts":[{"name":"a"},{"name":1}]})") == "config.json: mounts[1].name: expected a string");
    CHECK(mistake(R"({"mounts":[{}]})") == "config.json: mounts[0].name: expected a value, it is missing");
    CHECK(mistake(R"({"nested":{"k":[{"x":true}]}})") == "config.json: nested.k[0].x: expected an integer");
    CHECK(mistake("[]") == "config.json: expected an object");
    CHECK(mistake(R"({"mounts":{}})") == "config.json: mounts: expected a list");
    CHECK(mistake(R"({"flag":1})") == "config.json: flag: expected true or false");
    CHECK(mistake(R"({"ratio":"1"})") == "config.json: ratio: expected a number");
    CHECK(mistake(R"({"colour":"blue"})") == "config.json: colour: expected one of 'red', 'green'");
}

TEST_CASE("integers are checked against the range of their type") {
    CHECK(outer(R"({"small":-128})").small == -128);
    CHECK(mistake(R"({"small":128})") == "config.json: small: expected an integer from -128 to 127");
    CHECK(outer(R"({"big":18446744073709551615})").big == UINT64_MAX);
    CHECK(mistake(R"({"big":-1})") == "config.json: big: expected an integer from 0 to 18446744073709551615");
    CHECK(mistake(R"({"big":1.5})") == "config.json: big: expected an integer");
    CHECK(outer(R"({"ratio":3})").ratio == 3.0);
}

TEST_CASE("integers are equal whatever type they came from") {
    CHECK(Value(5u) == Value(std::int64_t{5}));
    CHECK(Value(std::uint64_t{5}).is_signed());
    CHECK(Value(UINT64_MAX).is_unsigned());
    CHECK(Value("text").is_string());
    CHECK(Value(true).is_bool());
}

TEST_CASE("members of an object are found, added and replaced in order") {
    Value o = Value::object();
    o.set("b", 1);
    o.set("a", 2);
    o.set("b", "new");
    CHECK(json::dump(o) == R"({"b":"new","a":2})");
    CHECK(o.find("c") == nullptr);
    CHECK(Value(1).find("a") == nullptr);
    CHECK(name_of(Colour::green) == "green");
}
