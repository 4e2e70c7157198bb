// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.hh"

#include <atomic>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "base/error.hh"

using namespace kist;

TEST_CASE("each index is worked on once, however many there are") {
    for (const std::size_t count : {0u, 1u, 7u, 8u, 9u, 31u, 32u, 33u, 1000u, 4099u}) {
        std::vector<std::atomic<int>> seen(count);
        in_parallel(count, [&](std::size_t i) { ++seen.at(i); });
        for (const auto& n : seen) REQUIRE(n == 1);
    }
}

TEST_CASE("what one thread throws reaches the caller, once all have ended") {
    for (const std::size_t bad : {0u, 5u, 500u, 999u}) {
        std::atomic<int> done = 0;
        CHECK_THROWS_AS(in_parallel(1000,
                                    [&](std::size_t i) {
                                        if (i == bad) throw Error("item {}", i);
                                        ++done;
                                    }),
                        Error);
        CHECK(done < 1000);
    }
}
