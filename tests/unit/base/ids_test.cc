// SPDX-License-Identifier: Apache-2.0
// What may become a file name.
#include "base/ids.hh"

#include <catch2/catch_test_macros.hpp>

using namespace kist;

namespace {
const std::string hex64 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
}

TEST_CASE("a container id is 64 lower-case hex digits and nothing else") {
    REQUIRE(ContainerId::parse(hex64));
    CHECK(ContainerId::parse(hex64)->str() == hex64);
    CHECK(ContainerId::parse(hex64)->short_id() == "0123456789ab");
    CHECK_FALSE(ContainerId::parse(""));
    CHECK_FALSE(ContainerId::parse(hex64.substr(1)));
    CHECK_FALSE(ContainerId::parse(hex64 + "0"));
    CHECK_FALSE(ContainerId::parse("A" + hex64.substr(1)));
    CHECK_FALSE(ContainerId::parse("g" + hex64.substr(1)));
    CHECK_FALSE(ContainerId::parse("../" + hex64.substr(3)));
}

TEST_CASE("random container ids are valid, differ, and do not read as a number") {
    const ContainerId first = ContainerId::random();
    CHECK(ContainerId::parse(first.str()));
    CHECK(first != ContainerId::random());
    for (int i = 0; i < 2000; ++i) {
        const std::string id = ContainerId::random().short_id();
        REQUIRE(id.find_first_of("abcdef") != std::string::npos);
    }
}

TEST_CASE("a digest is sha256 with 64 lower-case hex digits") {
    REQUIRE(Digest::parse("sha256:" + hex64));
    CHECK(Digest::parse("sha256:" + hex64)->hex() == hex64);
    CHECK(Digest::parse("sha256:" + hex64)->short_id() == "0123456789ab");
    CHECK(Digest::from_hex(hex64)->str() == "sha256:" + hex64);
    CHECK_FALSE(Digest::parse(hex64));
    CHECK_FALSE(Digest::parse("sha512:" + hex64));
    CHECK_FALSE(Digest::parse("SHA256:" + hex64));
    CHECK_FALSE(Digest::parse("sha256:" + hex64.substr(1) + "/"));
    CHECK_FALSE(Digest::from_hex("sha256:" + hex64));
    CHECK(Digest().hex().empty());
}

TEST_CASE("names are letters, digits, dot, dash and underscore, and begin with a letter or digit") {
    for (const char* good : {"a", "0", "web", "Web-1_x.y", "9lives"}) CHECK(is_valid_name(good));
    for (const char* bad : {"", ".", "..", "-a", "_a", ".a", "a/b", "a b", "ä", "a\n"}) CHECK_FALSE(is_valid_name(bad));
    CHECK(is_valid_name(std::string(253, 'a')));
    CHECK_FALSE(is_valid_name(std::string(254, 'a')));
    CHECK_FALSE(is_valid_name(std::string_view("a\0b", 3)));
}

TEST_CASE("random_hex gives two digits a byte") {
    CHECK(random_hex(0).empty());
    CHECK(random_hex(5).size() == 10);
    CHECK(is_lower_hex(random_hex(100)));
}
