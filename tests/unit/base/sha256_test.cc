// SPDX-License-Identifier: Apache-2.0
// The test vectors of FIPS 180-4.
#include "base/sha256.hh"

#include <catch2/catch_test_macros.hpp>

using namespace kist;

TEST_CASE("the sums of the standard's examples come out") {
    CHECK(sha256("").hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha256(std::string(1'000'000, 'a')).hex() ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("the sum does not depend on how the bytes are cut") {
    Sha256 hash;
    for (int i = 0; i < 1000; ++i) hash.update("0123456789");
    std::string whole;
    for (int i = 0; i < 1000; ++i) whole += "0123456789";
    CHECK(hash.finish() == sha256(whole));
}
