// SPDX-License-Identifier: Apache-2.0
#include "base/mountinfo.hh"

#include <catch2/catch_test_macros.hpp>

using namespace kist;

TEST_CASE("mountinfo: root, target and type, with optional fields and escaped blanks") {
    const auto mounts = parse_mountinfo(
        "22 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw\n"
        "197 22 0:42 /a\\040b /mnt/c\\134d rw - tmpfs tmpfs rw,size=1k\n");
    REQUIRE(mounts.size() == 2);
    CHECK(mounts[0] == MountLine{22, "/", "/", "ext4"});
    CHECK(mounts[1] == MountLine{197, "/a b", "/mnt/c\\d", "tmpfs"});
}

TEST_CASE("mountinfo: what is no such line is left out") {
    CHECK(parse_mountinfo("").empty());
    CHECK(parse_mountinfo("22 1 254:0 / / rw\nx 1 2:3 / / rw - ext4 a rw\n - ext4\n22 1 - ext4").empty());
}

TEST_CASE("mountinfo: a backslash that begins no code stays") {
    CHECK(unescape_mountinfo("a\\") == "a\\");
    CHECK(unescape_mountinfo("\\999x") == "\\999x");
    CHECK(unescape_mountinfo("\\011\\012") == "\t\n");
}
