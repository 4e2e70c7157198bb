// SPDX-License-Identifier: Apache-2.0
// Addresses of a network, one file each.
#include "netns/leases.hh"

#include <algorithm>

#include <catch2/catch_test_macros.hpp>

using namespace kist;
using namespace kist::netns;

namespace {

struct Fixture {
    TempDir temp;
    Dir run = Dir::open(temp.path());
    Leases leases{run, "front"};
    SubnetConfig subnet{"10.9.0.0/29", "10.9.0.1", ""};
    std::vector<std::string> dead;

    Address take(const std::string& id, const char* wanted = nullptr) {
        const auto address = wanted != nullptr ? Address::parse(wanted) : std::nullopt;
        const auto lives = [&](const std::string& other) {
            return std::find(dead.begin(), dead.end(), other) == dead.end();
        };
        return leases.take(subnet, address, {{}, id, {"name-" + id}}, lives);
    }
};

} // namespace

TEST_CASE_METHOD(Fixture,
                 "addresses are given onwards, without base, gateway and broadcast, until the subnet is full") {
    for (const char* next : {"10.9.0.2", "10.9.0.3", "10.9.0.4", "10.9.0.5", "10.9.0.6"})
        CHECK(take(next).str() == next);
    CHECK_THROWS_AS(take("late"), Error);
    CHECK(leases.release(*Address::parse("10.9.0.3"), "10.9.0.3"));
    CHECK(take("late").str() == "10.9.0.3");
}

TEST_CASE_METHOD(Fixture, "an address that was given back is not the next one to be given") {
    CHECK(take("a").str() == "10.9.0.2");
    leases.release(*Address::parse("10.9.0.2"), "a");
    CHECK(take("b").str() == "10.9.0.3");
}

TEST_CASE_METHOD(Fixture, "a wanted address is had once; a dead holder loses it") {
    CHECK(take("a", "10.9.0.5").str() == "10.9.0.5");
    CHECK_THROWS_AS(take("b", "10.9.0.5"), Error);
    CHECK_THROWS_AS(take("b", "10.9.0.1"), Error);
    CHECK_THROWS_AS(take("b", "10.8.0.5"), Error);
    dead = {"a"};
    CHECK(take("b", "10.9.0.5").str() == "10.9.0.5");
    CHECK_FALSE(leases.release(*Address::parse("10.9.0.5"), "a"));
    CHECK(leases.find(*Address::parse("10.9.0.5"))->container == "b");
}

TEST_CASE_METHOD(Fixture, "addresses come from the range if there is one; the names go with them") {
    subnet.range = "10.9.0.4/31";
    CHECK(take("a").str() == "10.9.0.4");
    CHECK(take("b").str() == "10.9.0.5");
    CHECK_THROWS_AS(take("c"), Error);
    const auto all = leases.all();
    REQUIRE(all.size() == 2);
    CHECK(all[1].names == std::vector<std::string>{"name-b"});
    CHECK_FALSE(leases.empty());
}
