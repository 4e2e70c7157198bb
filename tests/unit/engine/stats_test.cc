// SPDX-License-Identifier: Apache-2.0
#include "engine/stats.hh"

#include <catch2/catch_test_macros.hpp>

using namespace kist::engine;

TEST_CASE("network use is the sum of all devices but the loopback") {
    const NetworkUse use = parse_network_use(
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls "
        "carrier compressed\n"
        "    lo: 5000      5    0    0    0     0          0         0     5000      5    0    0    0     0       0    "
        "      0\n"
        "  eth0: 1000      5    0    0    0     0          0         0       20      5    0    0    0     0       0    "
        "      0\n"
        "eth1:18446744073709      1    0    0    0     0          0         0       3      5    0    0    0     0      "
        " 0          0\n");
    CHECK(use.received == 18446744074709U);
    CHECK(use.sent == 23);
}

TEST_CASE("a damaged table of network devices counts as nothing") {
    CHECK(parse_network_use("").received == 0);
    CHECK(parse_network_use("eth0: 1 2 3\n").received == 0);
    CHECK(parse_network_use("eth0:\n:::\n").sent == 0);
}
