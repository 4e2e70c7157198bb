// SPDX-License-Identifier: Apache-2.0
#include "engine/artifact.hh"

#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"
#include "base/json.hh"
#include "engine/store_manifest.hh"

using namespace kist;
using engine::add_referrer;
using engine::media_type_of;

namespace {

oci::Descriptor referrer(char digit) {
    oci::Descriptor descriptor;
    descriptor.media_type = oci::media_type::oci_manifest;
    descriptor.digest = "sha256:" + std::string(64, digit);
    descriptor.size = 2;
    descriptor.artifact_type = "application/x.test";
    return descriptor;
}

} // namespace

TEST_CASE("a file's media type: by its ending, else by its first bytes") {
    CHECK(media_type_of("a.JSON", "\x1f\x8b\x08") == "application/json");
    CHECK(media_type_of("a.tar.gz", "") == "application/gzip");
    CHECK(media_type_of("model", "\x1f\x8b\x08rest") == "application/gzip");
    CHECK(media_type_of("model.bin", std::string("PK\x03\x04", 4)) == "application/zip");
    CHECK(media_type_of("README", "words\n") == "text/plain");
    CHECK(media_type_of("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f e\n") == "text/plain");
    CHECK(media_type_of("blob", std::string("a\0b", 3)) == "application/octet-stream");
    CHECK(media_type_of("empty", "") == "text/plain");
}

TEST_CASE("an index of referrers gets one more, once, and keeps what others wrote") {
    const std::string first = add_referrer("", referrer('a'));
    CHECK(first == R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)"
                   R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:)" +
                       std::string(64, 'a') + R"(","size":2,"artifactType":"application/x.test"}]})");
    CHECK(add_referrer(first, referrer('a')).empty());
    std::string marked = first;
    marked.insert(marked.size() - 1, R"(,"com.example":{"mark":[1,true]})");
    const std::string second = add_referrer(marked, referrer('b'));
    CHECK(json::parse(second, "it").find("manifests")->as_list().size() == 2);
    CHECK(second.ends_with(R"(,"com.example":{"mark":[1,true]}})"));
    CHECK(add_referrer(R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json"})", referrer('a')) ==
          first);
}

TEST_CASE("what is no index gets no referrer") {
    CHECK_THROWS_AS(add_referrer("[]", referrer('a')), Error);
    CHECK_THROWS_AS(
        add_referrer(R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"})", referrer('a')),
        Error);
    CHECK_THROWS_AS(
        add_referrer(R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":{}})",
                     referrer('a')),
        Error);
    CHECK_THROWS_AS(add_referrer("{", referrer('a')), Error);
}
