// SPDX-License-Identifier: Apache-2.0
// Addresses, subnets and hardware addresses.
#include "netns/address.hh"

#include <catch2/catch_test_macros.hpp>

using namespace kist::netns;

TEST_CASE("an address is IPv4 or IPv6, whole, and prints as it is usually written") {
    CHECK(Address::parse("10.0.0.1")->str() == "10.0.0.1");
    CHECK(Address::parse("FD00:0::1")->str() == "fd00::1");
    for (const char* bad : {"", "10.0.0", "10.0.0.256", "10.0.0.1 ", "[::1]", "fe80::1%eth0", "host"})
        CHECK_FALSE(Address::parse(bad));
    CHECK_FALSE(Address::parse(std::string_view("10.0.0.1\0x", 10)));
    CHECK(Address::parse("127.8.8.8")->is_loopback());
    CHECK(Address::parse("::1")->is_loopback());
    CHECK_FALSE(Address::parse("::2")->is_loopback());
    CHECK(Address::parse("0.0.0.0")->is_any());
}

TEST_CASE("counting on carries over bytes and wraps around at the end") {
    CHECK(Address::parse("10.0.0.255")->plus(1).str() == "10.0.1.0");
    CHECK(Address::parse("255.255.255.255")->plus(1).str() == "0.0.0.0");
    CHECK(Address::parse("fd00::ffff:ffff")->plus(1).str() == "fd00::1:0:0");
}

TEST_CASE("a subnet knows its base, its end, what it holds and what it overlaps") {
    const Subnet subnet = Subnet::parse("10.1.2.3/20").value();
    CHECK(subnet.str() == "10.1.0.0/20");
    CHECK(subnet.last().str() == "10.1.15.255");
    CHECK(subnet.size() == 4096);
    CHECK(subnet.next().str() == "10.1.16.0/20");
    CHECK(subnet.contains(*Address::parse("10.1.15.1")));
    CHECK_FALSE(subnet.contains(*Address::parse("10.1.16.1")));
    CHECK_FALSE(subnet.contains(*Address::parse("fd00::1")));
    CHECK(subnet.overlaps(*Subnet::parse("10.0.0.0/8")));
    CHECK(Subnet::parse("10.1.4.0/24")->overlaps(subnet));
    CHECK_FALSE(subnet.overlaps(*Subnet::parse("10.2.0.0/16")));
    CHECK(Subnet::parse("0.0.0.0/0")->overlaps(subnet));
    for (const char* bad : {"10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "/8", "fd00::/129", "10.0.0.0/8/8"})
        CHECK_FALSE(Subnet::parse(bad));
}

TEST_CASE("hardware addresses of one station, and the one that belongs to an IPv4 address") {
    CHECK(mac_text(*parse_mac("02:42:0A:58:00:02")) == "02:42:0a:58:00:02");
    for (const char* bad : {"", "02:42:0a:58:00", "02:42:0a:58:00:0g", "03:00:00:00:00:01", "ff:ff:ff:ff:ff:ff",
                            "00:00:00:00:00:00", "0242.0a58.0002"})
        CHECK_FALSE(parse_mac(bad));
    CHECK(mac_text(mac_of(*Address::parse("10.88.0.2"))) == "02:42:0a:58:00:02");
}
