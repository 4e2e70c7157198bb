// SPDX-License-Identifier: Apache-2.0
// Which elements of the firewall a network and a container are: the plan, without a kernel.
#include "netns/firewall.hh"

#include <catch2/catch_test_macros.hpp>

#include <linux/netfilter.h>

#include "netns/firewall_rules.hh"

using namespace kist::netns;

namespace {

ContainerPlan container() {
    ContainerPlan plan;
    Attachment attachment;
    attachment.network.name = "bridge";
    attachment.network.device = "kist0";
    attachment.network.subnets = {{"10.207.0.0/16", "10.207.0.1", ""}};
    attachment.interface = "eth0";
    attachment.host_interface = "kvabc";
    attachment.addresses = {"10.207.0.2/16"};
    plan.attachments.push_back(attachment);
    return plan;
}

std::size_t count(const std::vector<SetElements>& list, std::string_view set) {
    for (const SetElements& part : list)
        if (part.set == set) return part.elements.size();
    return 0;
}

Element only(const std::vector<SetElements>& list, std::string_view set) {
    for (const SetElements& part : list)
        if (part.set == set && part.elements.size() == 1) return part.elements.front();
    throw kist::Error("no single element in {}", set);
}

} // namespace

TEST_CASE("a port is one element, for one address of the host or for all") {
    ContainerPlan plan = container();
    plan.ports = {{"tcp", "", 8080, 80, 1}, {"udp", "127.0.0.1", 53, 5353, 1}};
    const auto list = container_elements(plan, "me");
    const Element everywhere = only(list, "published4");
    CHECK(everywhere.key == key_part_u8(6) + key_part_u16(8080));
    CHECK(everywhere.data == std::string("\x0a\xcf\x00\x02", 4) + key_part_u16(80));
    CHECK(everywhere.owner == "me");
    CHECK(only(list, "published_on4").key == std::string("\x7f\0\0\1", 4) + key_part_u8(17) + key_part_u16(53));
    CHECK(count(list, "published6") == 0); // it has no IPv6 address
}

TEST_CASE("the tables say what they consist of, so that a piece that is missing is noticed") {
    NftBatch base;
    for (const int family : {NFPROTO_INET, NFPROTO_BRIDGE}) add_base_rules(base, family);
    CHECK(base.size(NFPROTO_INET).rules > 20);
    CHECK(base.size(NFPROTO_BRIDGE).sets == 3);
    CHECK(base.size(NFPROTO_ARP) == TableSize{});
}

TEST_CASE("a range is one element however long it is; shifted it is one for each port") {
    ContainerPlan plan = container();
    plan.ports = {{"tcp", "", 1000, 1000, 5000}};
    CHECK(count(container_elements(plan, "me"), "ranges4") == 1);
    plan.ports = {{"tcp", "", 1000, 2000, 10}};
    const auto shifted = container_elements(plan, "me");
    CHECK(count(shifted, "ranges4") == 0);
    CHECK(count(shifted, "published4") == 10);
}

TEST_CASE("with an IPv6 address a port is published for both; 0.0.0.0 means IPv4 only") {
    ContainerPlan plan = container();
    plan.attachments.front().addresses.push_back("fd00::2/64");
    plan.ports = {{"tcp", "", 80, 80, 1}};
    CHECK(count(container_elements(plan, "me"), "published4") == 1);
    CHECK(count(container_elements(plan, "me"), "published6") == 1);
    plan.ports = {{"tcp", "0.0.0.0", 80, 80, 1}};
    CHECK(count(container_elements(plan, "me"), "published4") == 1);
    CHECK(count(container_elements(plan, "me"), "published6") == 0);
}

TEST_CASE(
    "a container's sources are watched unless it may configure its network; macvlan has no part in the firewall") {
    ContainerPlan plan = container();
    CHECK(count(container_elements(plan, "me"), "ports") == 1);
    CHECK(only(container_elements(plan, "me"), "sources4").key ==
          key_interface("kvabc") + std::string("\x0a\xcf\x00\x02", 4));
    plan.attachments.front().guarded = false;
    CHECK(count(container_elements(plan, "me"), "ports") == 0);
    CHECK(only(container_elements(plan, "me"), "links").key == key_interface("kvabc")); // what makes its part its own
    plan.attachments.front().network.driver = "macvlan";
    plan.ports = {{"tcp", "", 80, 80, 1}};
    CHECK(container_elements(plan, "me").empty());
    CHECK(network_elements(plan.attachments.front().network).empty());
}

TEST_CASE("what a network is shows in the sets it stands in") {
    NetworkPlan network = container().attachments.front().network;
    for (const char* set : {"bridges", "same", "masquerade", "neighbours4"})
        CHECK(count(network_elements(network), set) == 1);
    for (const char* set : {"internal", "open"}) CHECK(count(network_elements(network), set) == 0);
    network.internal = true;
    network.talk = false;
    CHECK(count(network_elements(network), "internal") == 1);
    CHECK(count(network_elements(network), "masquerade") == 0);
    CHECK(count(network_elements(network), "same") == 0);
}
