// SPDX-License-Identifier: Apache-2.0
#include "engine/copy.hh"

#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"
#include "engine/copy_place.hh"

using namespace kist;
using namespace kist::engine;

TEST_CASE("an end of cp is a container's only where a name stands before the first colon") {
    CHECK(parse_copy_end("web:/etc/hosts") == CopyEnd{"web", "/etc/hosts"});
    CHECK(parse_copy_end("web:etc") == CopyEnd{"web", "/etc"});
    CHECK(parse_copy_end("web:a:b") == CopyEnd{"web", "/a:b"});
    CHECK(parse_copy_end("./a:b") == CopyEnd{"", "./a:b"});
    CHECK(parse_copy_end("/tmp/a:b") == CopyEnd{"", "/tmp/a:b"});
    CHECK(parse_copy_end("dir/a:b") == CopyEnd{"", "dir/a:b"});
    CHECK(parse_copy_end("-").is_stream());
    CHECK_FALSE(parse_copy_end("./-").is_stream());
    CHECK_THROWS_AS(parse_copy_end(""), UsageError);
    CHECK_THROWS_AS(parse_copy_end("web:"), UsageError);
    CHECK_THROWS_AS(parse_copy_end(":/etc"), UsageError);
}

TEST_CASE("the end of a path says whether a folder or its contents is meant") {
    CHECK(parse_copy_path("/a/b") == CopyPath{"/a/b", "b", false, false});
    CHECK(parse_copy_path("/a/b/") == CopyPath{"/a/b/", "b", false, true});
    CHECK(parse_copy_path("a/.") == CopyPath{"a/.", "", true, false});
    CHECK(parse_copy_path("a/./") == CopyPath{"a/./", "", true, true});
    CHECK(parse_copy_path("/") == CopyPath{"/", "", true, true});
    CHECK(parse_copy_path(".") == CopyPath{".", "", true, false});
    CHECK(parse_copy_path("..") == CopyPath{"..", "", true, false});
    CHECK(parse_copy_path("a.") == CopyPath{"a.", "a.", false, false});
}
