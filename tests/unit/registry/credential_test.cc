// SPDX-License-Identifier: Apache-2.0
// Secrets at rest: what opens them, what does not, and how other tools' files are read.
#include <catch2/catch_test_macros.hpp>

#include <sys/stat.h>

#include "base/error.hh"
#include "base/file.hh"
#include "base/json.hh"
#include "registry/auth_document.hh"
#include "registry/base64.hh"
#include "registry/credential_store.hh"
#include "registry/secret_box.hh"

using namespace kist;
using namespace kist::registry;

TEST_CASE("base64 round trip, and only the canonical spelling") {
    for (const char* text : {"", "a", "ab", "abc", "abcd", "\xff\x00\x80"})
        CHECK(base64_decode(base64_encode(text)) == text);
    CHECK(base64_encode("user:pass") == "dXNlcjpwYXNz");
    for (const char* bad : {"a", "ab", "abc", "====", "ab=c", "a===", "YWI", "YWJ=", "YR==", "YW J", "YWJj\n"})
        CHECK_FALSE(base64_decode(bad));
}

TEST_CASE("AES-256-GCM agrees with the specification's test vector") {
    // Test case 16 of the GCM specification, as nonce + ciphertext + tag.
    const auto hex = [](std::string_view digits) {
        std::string bytes;
        for (std::size_t i = 0; i < digits.size(); i += 2)
            bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
        return bytes;
    };
    const std::string key = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    const std::string sealed =
        hex("cafebabefacedbaddecaf888"
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393"
            "ba7a0abcc9f662"
            "76fc6ece0f4e1768cddf8853bb2d551b");
    const std::string purpose = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    const auto text = unseal(key, purpose, sealed);
    REQUIRE(text);
    CHECK(text->starts_with(hex("d9313225f88406e5a55909c5aff5269a")));
}

TEST_CASE("a sealed text opens with its key and purpose alone, unchanged") {
    const std::string key(32, 'k');
    const std::string sealed = seal(key, "a", "secret");
    CHECK(unseal(key, "a", sealed) == "secret");
    CHECK(seal(key, "a", "secret") != sealed);
    CHECK_FALSE(unseal(std::string(32, 'l'), "a", sealed));
    CHECK_FALSE(unseal(key, "b", sealed));
    CHECK_FALSE(unseal(key, "a", sealed.substr(0, sealed.size() - 1)));
    CHECK_FALSE(unseal(key, "a", ""));
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        std::string changed = sealed;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        CHECK_FALSE(unseal(key, "a", changed));
    }
    CHECK_THROWS_AS(seal("short", "a", "b"), Error);
}

TEST_CASE("registries have one key however they are written") {
    CHECK(auth_key("https://index.docker.io/v1/") == "docker.io");
    CHECK(auth_key("registry-1.docker.io") == "docker.io");
    CHECK(auth_key("https://Quay.io/v2/") == "quay.io");
    CHECK(auth_key("quay.io/team/app") == "quay.io/team/app");
    CHECK(auth_key("https://quay.io/some/page") == "quay.io");
}

TEST_CASE("the entry with the longest path counts, and a neighbour's does not") {
    const Value document = json::parse(
        R"({"auths": {"q.io": {}, "q.io/team": {}, "q.io/team/app": {}, "q.io/tea": {}, "evil-q.io": {}, "https://q.io/v1/": {}}})",
        "x");
    CHECK(matching_keys(document, "q.io", "team/app") ==
          std::vector<std::string>{"q.io/team/app", "q.io/team", "q.io", "https://q.io/v1/"});
    CHECK(matching_keys(document, "q.io", "teams") == std::vector<std::string>{"q.io", "https://q.io/v1/"});
    CHECK(matching_keys(document, "io", "q").empty());
    CHECK(matching_keys(json::parse("[]", "x"), "q.io", "a").empty());
}

TEST_CASE("entries of Docker and Podman") {
    const auto read = [](const char* text) { return read_entry(json::parse(text, "x")); };
    CHECK(read(R"({"auth": "dXNlcjpwYTpzcw=="})") == Credential{"user", "pa:ss", ""});
    CHECK(read(R"({"auth": "PHRva2VuPjo=", "identitytoken": "t"})") == Credential{"<token>", "", "t"});
    CHECK(read(R"({"username": "u", "password": "p"})") == Credential{"u", "p", ""});
    for (const char* none : {"{}", R"({"auth": ""})", R"({"auth": "!!"})", R"({"auth": "dXNlcg=="})", R"({"auth": 5})"})
        CHECK_FALSE(read(none));
    CHECK(helper_for(json::parse(R"({"credHelpers": {"q.io": "pass"}})", "x"), "q.io") == "pass");
    CHECK(helper_for(json::parse(R"({"credHelpers": {"q.io": "../../bin/sh"}})", "x"), "q.io").empty());
    CHECK(helper_for_all(json::parse(R"({"credsStore": "a b"})", "x")).empty());
}

TEST_CASE("the store keeps, renews and loses credentials as told") {
    const TempDir temp;
    CredentialStore store(temp.path() + "/.kist");
    CHECK_FALSE(store.find("q.io", "a"));
    store.put("q.io", {"user", "pass", ""});
    store.put("r.io", {"other", "word", ""});
    CHECK(store.find("q.io", "a") == Credential{"user", "pass", ""});
    CHECK_FALSE(store.find("s.io", "a"));
    const std::string before = read_file(store.file(), 4096);
    CHECK(before.find("pass") == std::string::npos);
    store.rotate();
    CHECK(read_file(store.file(), 4096) != before);
    CHECK(store.find("r.io", "a")->user == "other");
    CHECK(store.erase("q.io"));
    CHECK_FALSE(store.erase("q.io"));
    const std::string key = temp.path() + "/.kist/aeskey";
    REQUIRE(::chmod(key.c_str(), 0644) == 0);
    CHECK_THROWS_AS(store.find("r.io", "a"), Error);
    REQUIRE(::unlink(key.c_str()) == 0);
    CHECK_THROWS_AS(store.find("r.io", "a"), SealedEntry);
}
