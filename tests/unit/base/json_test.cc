// SPDX-License-Identifier: Apache-2.0
// JSON text: what is taken, what is refused and how, and how it is written.
#include "base/json.hh"

#include <limits>

#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"

using namespace kist;

namespace {
std::string mistake(std::string_view text, const json::Limits& limits = {}) {
    try {
        json::parse(text, "doc", limits);
        return "";
    } catch (const Error& error) {
        return error.message();
    }
}
std::string again(std::string_view text) { return json::dump(json::parse(text, "doc")); }
} // namespace

TEST_CASE("documents come out as they went in") {
    for (const char* text :
         {"null", "true", "\"\"", "[]", "{}", R"({"b":[1,-2,{"c":null}],"a":"x"})", "9223372036854775807",
          "-9223372036854775808", "18446744073709551615", "0.1", "[[[[]]]]", R"(["ä","日本","😀"])"})
        CHECK(again(text) == text);
    CHECK(again(" [ 1 ,\n2 ] ") == "[1,2]");
}

TEST_CASE("a mistake is named by line and column") {
    CHECK(mistake("{\n  \"a\": 1\n  \"b\": 2}") == "doc: line 3, column 3: expected ',' or '}'");
    CHECK(mistake("[1 2]") == "doc: line 1, column 4: expected ',' or ']'");
    CHECK(mistake("") == "doc: line 1, column 1: the document is empty");
    CHECK(mistake("{} {}") == "doc: line 1, column 4: unexpected text after the document");
    CHECK(mistake("[nul]").starts_with("doc: line 1, column "));
    CHECK(mistake("{a:1}") == "doc: line 1, column 2: expected a member name in double quotes or '}'");
    CHECK_FALSE(mistake("\"abc").empty());
    CHECK_FALSE(mistake("[1,]").empty());
    CHECK_FALSE(mistake("01").empty());
    CHECK_FALSE(mistake("NaN").empty());
    CHECK_FALSE(mistake("// comment\n1").empty());
}

TEST_CASE("a member that appears twice is refused, in small and in big objects") {
    CHECK(mistake(R"({"a":1,"a":2})").find("member 'a' appears twice") != std::string::npos);
    std::string big = "{\"x\":0";
    for (int i = 0; i < 100; ++i) big += ",\"k" + std::to_string(i) + "\":1";
    CHECK(mistake(big + "}").empty());
    CHECK(mistake(big + ",\"k42\":1}").find("member 'k42' appears twice") != std::string::npos);
}

TEST_CASE("invalid text is refused") {
    CHECK(mistake("\"\xff\"").find("invalid") != std::string::npos);
    CHECK_FALSE(mistake("\"\xc0\x80\"").empty());
    CHECK_FALSE(mistake("\"\\ud800\"").empty());
    CHECK(mistake("[\"\\ude00\"]").find("invalid surrogate pair") != std::string::npos);
    CHECK(mistake("{\"\\ude00\":1}").find("invalid surrogate pair") != std::string::npos);
    CHECK(again("[\"\\ud66d\"]") == "[\"\ud66d\"]");
    CHECK_FALSE(mistake("\"a\nb\"").empty());
    CHECK(mistake(std::string_view("{}\0{", 4)) == "doc: line 1, column 3: unexpected zero byte");
}

TEST_CASE("limits hold for size, depth and number of values") {
    CHECK(mistake("[1,2,3]", {.bytes = 6}) == "doc: larger than the 6 bytes allowed");
    CHECK(mistake("[[[]]]", {.depth = 3}).empty());
    CHECK(mistake("[[[[]]]]", {.depth = 3}).find("nested deeper than 3 levels") != std::string::npos);
    CHECK(mistake("[1,2,3]", {.values = 4}).empty());
    CHECK(mistake("[1,2,3,4]", {.values = 4}).find("more than 4 values") != std::string::npos);
}

TEST_CASE("a depth bomb is refused without using up the stack") {
    CHECK(mistake(std::string(10'000'000, '[')).find("nested deeper than 200 levels") != std::string::npos);
}

TEST_CASE("strings are escaped so that any reader takes them") {
    CHECK(json::dump(std::string("\"\\\n\r\t\x01\x7f/<&>")) == "\"\\\"\\\\\\n\\r\\t\\u0001\x7f/<&>\"");
    CHECK(json::dump("\u2028\u2029") == "\"\\u2028\\u2029\"");
    CHECK(json::dump("a\xff"
                     "b") == "\"a\\ufffdb\"");
    CHECK(json::parse(R"("\u0000\ud83d\ude00")", "doc").as_string() == std::string("\0😀", 5));
}

TEST_CASE("floating point numbers look as Go's encoder writes them") {
    CHECK(json::dump(1.0) == "1");
    CHECK(json::dump(1e20) == "100000000000000000000");
    CHECK(json::dump(1e21) == "1e+21");
    CHECK(json::dump(1.5e-7) == "1.5e-7");
    CHECK(json::dump(6e105) == "6e+105");
    CHECK(json::dump(6e-305) == "6e-305");
    CHECK(json::dump(0.000001) == "0.000001");
    CHECK(json::dump(-0.25) == "-0.25");
    CHECK(json::dump(std::numeric_limits<double>::infinity()) == "null");
    CHECK(json::parse("0.1", "doc").as_double() == 0.1);
    CHECK(json::parse("123456789012345678901234567890", "doc").is_double());
    CHECK(json::parse("2.2250738585072012e-308", "doc").as_double() == std::numeric_limits<double>::min());
    CHECK(again("[0.1e-7273879041,-0.0,-0,1e-400,4.9e-324]") == "[0,0,0,0,5e-324]");
    CHECK(mistake("[1e309]").find("number too big") != std::string::npos);
    CHECK(mistake("-1e99999999999").find("number too big") != std::string::npos);
}

TEST_CASE("the pretty form is that of docker inspect") {
    CHECK(
        json::dump_pretty(json::parse(R"([{"a":[],"b":{},"c":[1,2]}])", "doc")) ==
        "[\n    {\n        \"a\": [],\n        \"b\": {},\n        \"c\": [\n            1,\n            2\n        ]\n"
        "    }\n]");
}
