// SPDX-License-Identifier: Apache-2.0
#include "engine/network_subnets.hh"

#include <algorithm>

#include "base/ids.hh"
#include "base/text.hh"
#include "engine/networks.hh"
#include "netns/links.hh"

namespace kist::engine {

namespace {

using netns::Address;
using netns::Subnet;

struct Taken {
    Subnet subnet;
    std::string by;
};

std::vector<Taken> taken_subnets(Engine& engine) {
    std::vector<Taken> taken;
    for (const storage::NetworkConfig& network : all_networks(engine))
        for (const netns::SubnetConfig& subnet : network.subnets)
            if (const auto own = Subnet::parse(subnet.subnet))
                taken.push_back({*own, "network '" + network.name + "'"});
    netns::NetlinkSocket socket(NETLINK_ROUTE);
    for (const Subnet& route : netns::routed_subnets(socket))
        if (route.prefix() != 0) taken.push_back({route, "a route of the host"});
    return taken;
}

const Taken* in_the_way(const std::vector<Taken>& taken, const Subnet& wanted) {
    for (const Taken& other : taken)
        if (other.subnet.overlaps(wanted)) return &other;
    return nullptr;
}

struct Pool {
    Subnet base;
    unsigned size;
};

std::vector<Pool> pools_of(const HostConfig& host, bool for_user) {
    std::vector<Pool> pools;
    for (const AddressPool& pool : host.default_address_pools)
        if (const auto base = Subnet::parse(pool.base)) pools.push_back({*base, pool.size});
    if (!pools.empty()) return pools;
    const auto add = [&](const char* base, unsigned size) { pools.push_back({Subnet::parse(base).value(), size}); };
    if (!for_user) add("10.207.0.0/16", 16);
    add("10.208.0.0/12", 24);
    add("192.168.128.0/17", 24);
    add("172.24.0.0/13", 24);
    return pools;
}

Subnet random_v6() {
    const std::string hex = random_hex(5);
    return Subnet::parse("fd" + hex.substr(0, 2) + ":" + hex.substr(2, 4) + ":" + hex.substr(6, 4) + "::/64").value();
}

} // namespace

Subnet choose_subnet(Engine& engine, bool for_user, bool v6) {
    const auto taken = taken_subnets(engine);
    if (v6) {
        Subnet subnet = random_v6();
        while (in_the_way(taken, subnet) != nullptr) subnet = random_v6();
        return subnet;
    }
    std::vector<std::string> obstacles;
    const auto pools = pools_of(engine.config(), for_user);
    for (const Pool& pool : pools) {
        const std::uint64_t count =
            Subnet(pool.base.base(), pool.base.prefix()).size() / Subnet(pool.base.base(), pool.size).size();
        Subnet candidate(pool.base.base(), pool.size);
        for (std::uint64_t i = 0; i < count; ++i, candidate = candidate.next()) {
            const Taken* other = in_the_way(taken, candidate);
            if (other == nullptr) return candidate;
            std::string text = other->subnet.str() + " (" + other->by + ")";
            if (std::find(obstacles.begin(), obstacles.end(), text) == obstacles.end() && obstacles.size() < 8)
                obstacles.push_back(std::move(text));
        }
    }
    std::vector<std::string> names;
    for (const Pool& pool : pools) names.push_back(pool.base.str());
    Error error("no free subnet is left in {}: in the way are {}", join(names, ", "), join(obstacles, ", "));
    error.with_hint("set \"bip\" or \"default-address-pools\" in kist.json, or give --subnet");
    throw error;
}

void check_subnet(Engine& engine, const Subnet& wanted) {
    const auto taken = taken_subnets(engine);
    if (const Taken* other = in_the_way(taken, wanted))
        throw Error("subnet {} overlaps {} of {}", wanted.str(), other->subnet.str(), other->by);
}

} // namespace kist::engine
