// SPDX-License-Identifier: Apache-2.0
// Reserving ports of the host; needs no privilege.
#include "netns/ports.hh"

#include <catch2/catch_test_macros.hpp>

using namespace kist::netns;

TEST_CASE("a port without a number gets a free one, which nobody else can take meanwhile") {
    std::vector<PortMapping> ports{{"tcp", "127.0.0.1", 0, 80, 1}};
    auto held = reserve_ports(ports, {true, false});
    REQUIRE(ports.front().host_port != 0);
    std::vector<PortMapping> same = ports;
    CHECK_THROWS_AS(reserve_ports(same, {true, false}), PortTaken);
    held.clear();
    CHECK(reserve_ports(same, {true, false}).size() == 1);
}

TEST_CASE("of a range that is partly taken nothing is held") {
    std::vector<PortMapping> one{{"udp", "127.0.0.1", 0, 80, 1}};
    auto first = reserve_ports(one, {true, false});
    const auto taken = one.front().host_port;
    std::vector<PortMapping> range{{"udp", "127.0.0.1", static_cast<std::uint16_t>(taken - 1), 1000, 2}};
    CHECK_THROWS_AS(reserve_ports(range, {true, false}), PortTaken);
    std::vector<PortMapping> before{{"udp", "127.0.0.1", static_cast<std::uint16_t>(taken - 1), 80, 1}};
    CHECK(reserve_ports(before, {true, false}).size() == 1);
}

TEST_CASE("one port of a range of the host's: the first that is free, and an error when none is") {
    std::vector<PortMapping> first{{"udp", "127.0.0.1", 0, 80, 1}};
    auto held = reserve_ports(first, {true, false});
    const std::uint16_t taken = first.front().host_port;
    std::vector<PortMapping> one{{"udp", "127.0.0.1", taken, 80, 1, static_cast<std::uint16_t>(taken + 20)}};
    const auto second = reserve_ports(one, {true, false});
    CHECK(one.front().host_port > taken);
    CHECK(one.front().host_port <= taken + 20);
    CHECK(one.front().host_until == 0); // decided
    std::vector<PortMapping> none{{"udp", "127.0.0.1", taken, 80, 1, taken}};
    CHECK_THROWS_AS(reserve_ports(none, {true, false}), PortTaken);
}

TEST_CASE("a container without an address of a family has no port in it") {
    std::vector<PortMapping> ports{{"tcp", "", 0, 80, 1}};
    CHECK(reserve_ports(ports, {false, false}).empty());
    std::vector<PortMapping> v6{{"tcp", "::1", 0, 80, 1}};
    CHECK(reserve_ports(v6, {true, false}).empty());
}

TEST_CASE("the host's side as it is shown") {
    CHECK(host_side({"tcp", "", 80, 80, 1}) == "0.0.0.0:80");
    CHECK(host_side({"tcp", "", 80, 80, 3}, true) == "[::]:80-82");
    CHECK(host_side({"tcp", "::1", 80, 80, 1}) == "[::1]:80");
    CHECK(host_side({"tcp", "127.0.0.1", 80, 80, 1}) == "127.0.0.1:80");
}
