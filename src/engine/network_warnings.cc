// SPDX-License-Identifier: Apache-2.0
// What of the host stands in the way of containers' packets: said by the first start after it came, and by info.
#include <algorithm>

#include "base/log.hh"
#include "base/text.hh"
#include "engine/networks.hh"
#include "netns/foreign_firewall.hh"

namespace kist::engine {

namespace {

/// The commands that let the containers' packets through. All bridges that kist names begin with "kist".
std::string allowing(const netns::BlockingChain& chain) {
    if (!chain.iptables) {
        const std::string insert = "nft insert rule " + chain.str();
        return insert + " iifname 'kist*' accept; " + insert + " oifname 'kist*' accept";
    }
    const std::string insert = std::string(chain.family == "ip6" ? "ip6tables" : "iptables") + " -I " +
                               (chain.for_admins ? "DOCKER-USER" : chain.name);
    return insert + " -i kist+ -j ACCEPT; " + insert + " -o kist+ -j ACCEPT";
}

} // namespace

std::vector<std::string> network_warnings() {
    std::vector<std::string> warnings;
    netns::NetlinkSocket firewall(NETLINK_NETFILTER);
    for (const netns::BlockingChain& chain : netns::forward_blockers(firewall))
        warnings.push_back(
            fmt::format("firewall chain '{}', which is not kist's, drops forwarded packets: what its rules do "
                        "not accept cannot leave containers, nor reach published ports from other hosts "
                        "(to allow it: {})",
                        chain.str(), allowing(chain)));
    return warnings;
}

void warn_of_network(Engine& engine, const netns::ContainerPlan& plan) {
    const bool needs_forwarding =
        std::any_of(plan.attachments.begin(), plan.attachments.end(), [](const netns::Attachment& attachment) {
            return attachment.network.driver == "bridge" && !attachment.network.internal;
        });
    if (!needs_forwarding) return;
    const std::string text = join(network_warnings(), "\n");
    // Once for each state of the firewall: a script that starts a hundred containers is told once.
    const Dir dir = engine.store().run().create_dir("networks");
    constexpr const char* told = "warned";
    const std::string before = read_file_if_exists(dir, told, 64 << 10).value_or("");
    if (text == before) return;
    write_atomically(dir, told, text, Durability::volatile_);
    if (!text.empty())
        for (const std::string& warning : split(text, '\n')) log::warn("{}", warning);
}

} // namespace kist::engine
