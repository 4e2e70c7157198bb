// SPDX-License-Identifier: Apache-2.0
// What registries say about authentication and addresses, and what an attacker would like them to mean.
#include "registry/challenge.hh"

#include <catch2/catch_test_macros.hpp>

using namespace kist::registry;

TEST_CASE("challenges as registries write them") {
    const auto hub = parse_challenge(
        R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/busybox:pull")");
    REQUIRE(hub);
    CHECK(hub->scheme == "bearer");
    CHECK(hub->parameters.at("realm") == "https://auth.docker.io/token");
    CHECK(hub->parameters.at("scope") == "repository:library/busybox:pull");
    CHECK(parse_challenge("BASIC Realm=\"x\\\"y\"")->parameters.at("realm") == "x\"y");
    CHECK(parse_challenge("basic realm=plain")->parameters.at("realm") == "plain");
}

TEST_CASE("challenges that are none") {
    for (const char* bad : {"", " ", "Bearer realm", "Bearer realm=\"open", "Bearer realm=\"a\\", "Bearer a=1,a=2",
                            "Bearer =x", "Bearer realm=\"a\"\x01", "Bearer realm=\"a\nb\""})
        CHECK_FALSE(parse_challenge(bad));
    CHECK_FALSE(parse_challenge("Bearer realm=\"" + std::string(9000, 'x') + "\""));
}

TEST_CASE("addresses") {
    const auto url = parse_url("HTTPS://Registry.Example:5000/v2/x?y=z#part");
    REQUIRE(url);
    CHECK(url->str() == "https://registry.example:5000/v2/x?y=z");
    CHECK(parse_url("http://[::1]:5000")->origin() == "http://[::1]:5000");
    CHECK(parse_url("https://a")->port == "443");
    for (const char* bad : {"", "a", "ftp://a/", "file:///etc/passwd", "https://", "https://user@a/",
                            "https://user:pw@a/", "https://a:0/", "https://a:99999/", "https://a:x/", "https://a b/",
                            "https://[::1/", "https://a\\@b/", "https://a\r\nHost: b/"})
        CHECK_FALSE(parse_url(bad));
}

TEST_CASE("redirects are resolved against what was asked") {
    const Url base = parse_url("https://r.example/v2/a/blobs/b").value();
    CHECK(resolve_url(base, "/x?y=https://z")->str() == "https://r.example:443/x?y=https://z");
    CHECK(resolve_url(base, "//cdn.example/x")->str() == "https://cdn.example:443/x");
    CHECK(resolve_url(base, "http://cdn.example/x")->scheme == "http"); // the session refuses it
    CHECK_FALSE(resolve_url(base, "relative"));
    CHECK_FALSE(resolve_url(base, "javascript://x"));
}

TEST_CASE("P10: a credential reaches its own registry and that one's token service, nobody else") {
    const auto may = [](const char* registry, const char* realm) {
        return may_get_credential(parse_url(registry).value(), parse_url(realm).value(),
                                  {"login.example", "sso.example:8443"});
    };
    CHECK(may("https://registry-1.docker.io/", "https://auth.docker.io/token"));
    CHECK(may("https://r.example:5000/", "https://r.example:5000/token"));
    CHECK(may("http://127.0.0.1:5000/", "http://127.0.0.1:5001/token"));
    CHECK_FALSE(may("https://registry-1.docker.io/", "https://auth.docker.io.evil.example/token"));
    CHECK_FALSE(may("https://registry-1.docker.io/", "http://auth.docker.io/token"));
    CHECK(may("https://registry.gitlab.example/", "https://gitlab.example/jwt/auth"));
    CHECK(may("https://r.example/", "https://r.example:8443/token"));
    CHECK(may("https://r.example/", "https://login.example/token"));
    CHECK(may("https://r.example/", "https://sso.example:8443/token"));
    CHECK_FALSE(may("https://r.example/", "https://sso.example/token"));
    CHECK_FALSE(may("https://r.example/", "http://login.example/token"));
    CHECK_FALSE(may("https://registry.example.org/", "https://auth.example.org/token"));
    CHECK_FALSE(may("https://a.b.example.org/", "https://example.org/token"));
    CHECK_FALSE(may("https://evil.example/", "https://example/token"));
    CHECK_FALSE(may("https://registry-1.docker.io/", "https://auth.docker.io:444/token"));
    CHECK_FALSE(may("https://a.co.uk/", "https://b.co.uk/token"));
    CHECK_FALSE(may("https://10.0.0.1/", "https://0.0.1/token"));
    CHECK_FALSE(may("https://127.0.0.1/", "https://1.0.0.1/token"));
    CHECK_FALSE(may("http://r.example/", "http://evil.example/token"));
}
