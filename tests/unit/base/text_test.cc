// SPDX-License-Identifier: Apache-2.0
// Splitting, strict numbers, UTF-8, suggestions, tables.
#include "base/text.hh"

#include <catch2/catch_test_macros.hpp>

using namespace kist;
using Words = std::vector<std::string>;

TEST_CASE("splitting keeps empty parts") {
    CHECK(split("a,b,,c", ',') == Words{"a", "b", "", "c"});
    CHECK(split("", ',').empty());
    CHECK(split(",", ',') == Words{"", ""});
    CHECK(split_once("k=v=w", '=') == std::pair<std::string, std::optional<std::string>>{"k", "v=w"});
    CHECK(split_once("k", '=').second == std::nullopt);
    CHECK(split_once("k=", '=').second == "");
    CHECK(join({"a", "", "c"}, ", ") == "a, , c");
    CHECK(join({}, ",").empty());
    CHECK(trim(" \t a b \n") == "a b");
    CHECK(trim(" ").empty());
    CHECK(to_lower("ÄAz") == "Äaz");
    CHECK(to_upper("aZ1") == "AZ1");
    CHECK(starts_with_no_case("SIGterm", "sig"));
    CHECK_FALSE(starts_with_no_case("si", "sig"));
}

TEST_CASE("numbers are whole texts in range, without sign or blanks") {
    CHECK(parse_unsigned("0") == 0);
    CHECK(parse_unsigned("007") == 7);
    CHECK(parse_unsigned("18446744073709551615") == UINT64_MAX);
    CHECK(parse_unsigned("65535", 65535) == 65535);
    for (const char* bad : {"", "-1", "+1", " 1", "1 ", "1a", "0x1", "1.0", "18446744073709551616"})
        CHECK_FALSE(parse_unsigned(bad));
    CHECK_FALSE(parse_unsigned("65536", 65535));
    CHECK(parse_signed("-5") == -5);
    CHECK(parse_signed("-9223372036854775808") == INT64_MIN);
    CHECK_FALSE(parse_signed("9223372036854775808"));
    CHECK_FALSE(parse_signed("+5"));
    CHECK_FALSE(parse_signed("- 5"));
    CHECK(parse_octal("0027") == 027);
    CHECK(parse_octal("27") == 027);
    CHECK_FALSE(parse_octal("28"));
    CHECK_FALSE(parse_octal("10000"));
    CHECK_FALSE(parse_octal(""));
}

TEST_CASE("suggestions are the nearest names, best first") {
    const Words commands{"run", "rm", "rmi", "restart", "rename", "pause", "unpause", "ps"};
    CHECK(nearest("rnu", commands).front() == "run");
    CHECK(nearest("puase", commands) == Words{"pause"});
    CHECK(nearest("restrat", commands) == Words{"restart"});
    CHECK(nearest("xyzzy", commands).empty());
    CHECK(nearest("", commands).empty());
    CHECK(nearest("x", commands).empty());
    CHECK(quoted_choice({"a"}) == "'a'");
    CHECK(quoted_choice({"a", "b"}) == "'a' or 'b'");
    CHECK(quoted_choice({"a", "b", "c"}) == "'a', 'b' or 'c'");
}

TEST_CASE("well-formed UTF-8 is told from the rest") {
    for (const char* good : {"", "a", "ä", "日本", "😀", "\xf4\x8f\xbf\xbf"}) CHECK(is_utf8(good));
    for (const char* bad : {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                            "\xf5\x80\x80\x80", "\xff", "a\xe6\x97"})
        CHECK_FALSE(is_utf8(bad));
}

TEST_CASE("texts are cut to characters, measured in columns") {
    CHECK(ellipsis("hello", 5) == "hello");
    CHECK(ellipsis("hello!", 5) == "hell…");
    CHECK(ellipsis("日本語です", 3) == "日本…");
    CHECK(ellipsis("ab", 1) == "…");
    CHECK(ellipsis("ab", 0).empty());
    CHECK(ellipsis("", 3).empty());
    CHECK(display_width("abc") == 3);
    CHECK(display_width("日本") == 4);
    CHECK(display_width("e\u0301") == 1);
    CHECK(display_width("\xff") == 1);
    CHECK(display_width("…") == 1);
}

TEST_CASE("untrusted text is shown without its control characters") {
    CHECK(printable("a\x1b[31mb\n") == "a\\x1b[31mb\\x0a");
    CHECK(printable("ä\xff") == "ä\\xff");
    CHECK(printable("\u0085") == "\\xc2\\x85");
    CHECK(printable(std::string(300, 'x')) == std::string(200, 'x') + "…");
}

TEST_CASE("a glob matches as a shell's does") {
    CHECK(glob_match("*", ""));
    CHECK(glob_match("a*c", "abbbc"));
    CHECK(glob_match("a*b*c", "aXbYbZc"));
    CHECK(glob_match("?b[a-c]", "xbc"));
    CHECK(glob_match("[!a-c]", "d"));
    CHECK(glob_match("[]x]", "]"));
    CHECK(glob_match("\\*", "*"));
    CHECK(glob_match("[x", "[x"));
    CHECK_FALSE(glob_match("a*c", "abd"));
    CHECK_FALSE(glob_match("\\*", "x"));
    CHECK_FALSE(glob_match("?", ""));
    CHECK_FALSE(glob_match("[^a]", "a"));
    CHECK_FALSE(glob_match("", "a"));
    // Quadratic at worst: this one takes for ever in a recursive matcher.
    CHECK_FALSE(glob_match("*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST_CASE("columns of a table are as wide as their widest cell and three blanks") {
    TextTable table({"NAME", "IMAGE", "STATUS"});
    table.row({"web", "docker.io/library/日本", "Up"});
    table.row({"a", "", "Exited (0)"});
    CHECK(table.str() ==
          "NAME   IMAGE                    STATUS\n"
          "web    docker.io/library/日本   Up\n"
          "a                               Exited (0)\n");
}
