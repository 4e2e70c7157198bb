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

/// A kernel without nftables has nothing to say, and is no reason for `info` to fail.
std::vector<netns::BlockingChain> find_blockers() {
    try {
        netns::NetlinkSocket firewall(NETLINK_NETFILTER);
        return netns::forward_blockers(firewall);
    } catch (const Error& error) {
        log::debug("looking for chains that drop forwarded packets: {}", error.what());
        return {};
    }
}

/// False when that was told before in this boot, or cannot be remembered: a script that starts a hundred containers is told
/// once for each state of the firewall.
bool is_news(Engine& engine, const std::string& text) {
    constexpr const char* told = "warned";
    try {
        const Dir dir = engine.store().run().create_dir("networks");
        if (read_file_if_exists(dir, told, 64 << 10).value_or("") == text) return false;
        write_atomically(dir, told, text, Durability::volatile_);
        return !text.empty();
    } catch (const Error& error) { // the container runs: a full disk does not undo that
        log::debug("remembering a warning: {}", error.what());
        return false;
    }
}

} // namespace

std::vector<std::string> network_warnings() {
    std::vector<std::string> warnings;
    for (const netns::BlockingChain& chain : find_blockers())
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
    const auto warnings = network_warnings();
    if (is_news(engine, join(warnings, "\n")))
        for (const std::string& warning : warnings) log::warn("{}", warning);
}

} // namespace kist::engine
