// SPDX-License-Identifier: Apache-2.0
// Netlink messages: what is put in can be read out, and malformed ones end the reading.
#include "netns/netlink.hh"

#include <catch2/catch_test_macros.hpp>

#include <linux/rtnetlink.h>

using namespace kist::netns;

TEST_CASE("attributes end at the first one that is malformed") {
    const std::string good("\x08\0\x03\0abcd\x05\0\x04\0z\0\0\0", 16);
    const auto list = parse_attributes(good);
    REQUIRE(list.size() == 2);
    CHECK(list[0].type == 3);
    CHECK(list[0].bytes == "abcd");
    CHECK(find_attribute(good, 4) == "z");
    CHECK(find_attribute(good, 9).empty());
    for (std::size_t cut = 0; cut < 8; ++cut) CHECK(parse_attributes(std::string_view(good).substr(0, cut)).empty());
    CHECK(parse_attributes(std::string("\x03\0\x03\0abcd", 8)).empty()); // shorter than its own head
    CHECK(parse_attributes(std::string("\xff\0\x03\0abcd", 8)).empty()); // longer than what there is
}

TEST_CASE("the kernel answers a look at the loopback device, and says no to what is not there") {
    NetlinkSocket socket(NETLINK_ROUTE);
    NetlinkBatch batch;
    batch.begin(RTM_GETLINK, 0, ifinfomsg{}, "looking at lo");
    batch.put_text(IFLA_IFNAME, "lo");
    std::string name;
    socket.query(batch, [&](const NetlinkMessage& message) {
        for (const Attribute& attribute : parse_attributes(message.payload.substr(sizeof(ifinfomsg))))
            if (attribute.type == IFLA_IFNAME) name = attribute.text();
    });
    CHECK(name == "lo");
    NetlinkBatch missing;
    missing.begin(RTM_GETLINK, 0, ifinfomsg{}, "looking at none");
    missing.put_text(IFLA_IFNAME, "kist-none");
    CHECK_THROWS_AS(socket.query(missing, [](const NetlinkMessage&) {}), kist::SysError);
}
